import { MatrixError } from '@ganglion/contracts';
import { Authenticated, JsonBody, Path } from '@ganglion/http';
import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import type { z } from 'zod';
import type { Owners } from '../domain/ports.js';
import { purgeBeforePath, purgeBody, purgePath, roomPath } from './parameters.js';
import { OWNERS } from './tokens.js';

type PurgeBody = z.infer<typeof purgeBody>;

/** What administrators let go of rooms, at the place where Synapse's tools look for it. */
@Controller('_synapse/admin/v1')
@Authenticated({ admins: true })
export class PurgesController {
  constructor(@Inject(OWNERS) private readonly owners: Owners) {}

  @Post('purge_history/:roomId')
  @HttpCode(200)
  purgeHistory(@Path(roomPath) { roomId }: z.infer<typeof roomPath>, @JsonBody(purgeBody) body: PurgeBody) {
    return this.#purge(roomId, body, body.purge_up_to_event_id);
  }

  @Post('purge_history/:roomId/:eventId')
  @HttpCode(200)
  purgeHistoryBefore(
    @Path(purgeBeforePath) { roomId, eventId }: z.infer<typeof purgeBeforePath>,
    @JsonBody(purgeBody) body: PurgeBody,
  ) {
    return this.#purge(roomId, body, eventId);
  }

  @Get('purge_history_status/:purgeId')
  async getPurgeStatus(@Path(purgePath) { purgeId }: z.infer<typeof purgePath>) {
    const { isComplete } = await this.owners.roomPurges.getPurgeStatus({ purgeId });
    if (isComplete === undefined) throw new MatrixError(404, 'M_NOT_FOUND', `There is no purge ${purgeId}`);
    return { status: isComplete ? 'complete' : 'active' };
  }

  async #purge(roomId: string, body: PurgeBody, beforeEventId: string | undefined) {
    const { delete_local_events: deleteLocalEvents, purge_up_to_ts: beforeTs } = body;
    if (beforeEventId === undefined && beforeTs === undefined) {
      throw new MatrixError(
        400,
        'M_MISSING_PARAM',
        'Say by purge_up_to_event_id or purge_up_to_ts what is to be purged',
      );
    }
    const bounds = beforeEventId === undefined ? { beforeTs } : { beforeEventId };
    const { purgeId } = await this.owners.roomPurges.purgeHistory({ roomId, ...bounds, deleteLocalEvents });
    return { purge_id: purgeId };
  }
}
