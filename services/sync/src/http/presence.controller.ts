import { MatrixError } from '@ganglion/contracts';
import { Authenticated, Path, RateLimited, RequestedBy, type Requester, StoredJsonBody } from '@ganglion/http';
import { text, userId } from '@ganglion/http/values';
import { Controller, Get, Inject, Put } from '@nestjs/common';
import { z } from 'zod';
import { OwnPresence } from '../domain/presence/own-presence.js';

const MAX_STATUS_MSG = 1_024;

const path = z.object({ userId });
const body = z.object({
  presence: z.enum(['online', 'offline', 'unavailable']),
  status_msg: text.max(MAX_STATUS_MSG).nullish(),
});

@Controller('_matrix/client/v3/presence/:userId/status')
@Authenticated()
export class PresenceController {
  constructor(@Inject(OwnPresence) private readonly presence: OwnPresence) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3presenceuseridstatus */
  @Put()
  @RateLimited('presence')
  async setPresence(
    @RequestedBy() requester: Requester,
    @Path(path) { userId }: z.output<typeof path>,
    @StoredJsonBody(body) { presence, status_msg }: z.output<typeof body>,
  ) {
    if (userId !== requester.userId) throw new MatrixError(403, 'M_FORBIDDEN', 'You can only speak for yourself');
    await this.presence.set(userId, requester.deviceId, presence, status_msg || undefined);
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3presenceuseridstatus */
  @Get()
  @RateLimited('room_reads')
  getPresence(@RequestedBy() requester: Requester, @Path(path) { userId }: z.output<typeof path>) {
    return this.presence.get(requester.userId, userId);
  }
}
