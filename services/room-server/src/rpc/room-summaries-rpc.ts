import { MatrixError } from '@ganglion/contracts';
import type {
  GetRoomSummariesRequest,
  ListVisibleUsersRequest,
  MoveAliasesRequest,
  RoomSummaries,
} from '@ganglion/contracts/room';
import { loadRoom, mayManageAliases } from '../domain/directory.js';
import type { RoomStore } from '../domain/ports.js';
import { childrenOf, type SummarySource, shownRooms, summaryOf, type VisibleUsers } from '../domain/room-summaries.js';
import type { DirectoryStore } from '../storage/directory-store.js';

/** What rooms look like from outside, and what takes their place. */
export class RoomSummariesRpc implements RoomSummaries {
  constructor(
    private readonly source: SummarySource & VisibleUsers,
    private readonly directory: DirectoryStore,
    private readonly store: RoomStore,
  ) {}

  async getRoomSummaries({ roomIds, userId }: GetRoomSummariesRequest) {
    const joinedRooms = async (joiner: string) =>
      new Set((await this.store.listMemberships(joiner, ['join'])).map(({ roomId }) => roomId));
    const rooms = await shownRooms({ source: this.source, joinedRooms }, roomIds, userId);
    const summaries = rooms.map((room) => ({
      ...{ roomId: room.roomId, roomVersion: room.roomVersion, numJoinedMembers: room.members },
      ...{ membership: room.membership, summaryJson: JSON.stringify(summaryOf(room)) },
      childrenStateJson: JSON.stringify(childrenOf(room)),
    }));
    return { summaries };
  }

  async listVisibleUsers({ userId, candidates }: ListVisibleUsersRequest) {
    return { userIds: await this.source.visibleTo(userId, candidates) };
  }

  async moveAliases({ roomId, replacementRoomId, userId }: MoveAliasesRequest) {
    const [old, replacement] = [
      await loadRoom(this.store, roomId, userId),
      await loadRoom(this.store, replacementRoomId, userId),
    ];
    if (!mayManageAliases(old, userId) || !mayManageAliases(replacement, userId)) {
      throw new MatrixError(403, 'M_FORBIDDEN', `${userId} may not move the aliases of the room`);
    }
    return { aliases: await this.directory.moveAll(old.nid, replacement.nid) };
  }
}
