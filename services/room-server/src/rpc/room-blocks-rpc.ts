import type { GetRoomBlockedRequest, RoomBlocks, SetRoomBlockedRequest } from '@ganglion/contracts/room';
import type { PostgresRoomBlocks } from '../storage/room-blocks.js';

/** Rooms that the operator blocks. */
export class RoomBlocksRpc implements RoomBlocks {
  constructor(private readonly blocks: Pick<PostgresRoomBlocks, 'set' | 'blockedBy'>) {}

  async setRoomBlocked({ roomId, blocked, userId }: SetRoomBlockedRequest) {
    await this.blocks.set(roomId, blocked, userId);
    return {};
  }

  async getRoomBlocked({ roomId }: GetRoomBlockedRequest) {
    return { blockedBy: await this.blocks.blockedBy(roomId) };
  }
}
