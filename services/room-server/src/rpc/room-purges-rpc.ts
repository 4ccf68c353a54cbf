import { createHash } from 'node:crypto';
import { MatrixError } from '@ganglion/contracts';
import type { GetPurgeStatusRequest, PurgeHistoryRequest, RoomPurges } from '@ganglion/contracts/room';
import type { PurgeStore } from '../domain/ports/purge-store.js';
import type { RoomStore } from '../domain/ports/rooms.js';
import type { Purge } from '../domain/purging/purge.js';

/** What operators let go of rooms. */
export class RoomPurgesRpc implements RoomPurges {
  constructor(
    private readonly rooms: Pick<RoomStore, 'loadHead'>,
    private readonly store: PurgeStore,
  ) {}

  async purgeHistory(request: PurgeHistoryRequest): Promise<{ purgeId: string }> {
    const head = await this.rooms.loadHead(request.roomId);
    if (head === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such room');
    const bounds = await this.#bounds(head.nid, request);
    // Whoever asks for the same again, as after a lost answer, asks for the same purge.
    const key = JSON.stringify([head.nid, bounds, request.deleteLocalEvents]);
    const purgeId = createHash('sha256').update(key).digest('base64url').slice(0, 22);
    await this.store.ask({ purgeId, roomNid: head.nid, ...bounds, withLocal: request.deleteLocalEvents });
    return { purgeId };
  }

  async #bounds(roomNid: number, { beforeEventId, beforeTs }: PurgeHistoryRequest): Promise<Bounds> {
    if (beforeEventId !== undefined) {
      const place = await this.store.placeOf(roomNid, beforeEventId);
      if (place === undefined) throw new MatrixError(404, 'M_NOT_FOUND', `The room has no event ${beforeEventId}`);
      const { roomSeq, depth: belowDepth } = place;
      return { upToSeq: Math.max(0, roomSeq - 1), belowDepth, beforeMs: Number.MIN_SAFE_INTEGER };
    }
    if (beforeTs === undefined) throw new MatrixError(400, 'M_MISSING_PARAM', 'Nothing says what is to be purged');
    const upToSeq = await this.store.oldUpTo(roomNid, 0, beforeTs);
    return { upToSeq, belowDepth: Number.MIN_SAFE_INTEGER, beforeMs: beforeTs };
  }

  async getPurgeStatus({ purgeId }: GetPurgeStatusRequest) {
    const { isComplete, deleted = 0 } = (await this.store.progress(purgeId)) ?? {};
    return { isComplete, deleted };
  }
}

type Bounds = Pick<Purge, 'upToSeq' | 'belowDepth' | 'beforeMs'>;
