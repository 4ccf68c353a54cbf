import type {
  GetStateRequest,
  ListMembershipsRequest,
  ListUsersWithoutGuestsRequest,
  RoomReads,
} from '@ganglion/contracts/room';
import type { RoomStore } from '../domain/ports.js';
import { letsGuestsIn } from '../domain/room-head.js';
import { type StateSource, visibleState } from '../domain/visible-state.js';

/** More of our users than that are in no room. */
const MOST_USERS = 1_000_000;

/** What other services read of rooms as they are now. */
export class RoomReadsRpc implements RoomReads {
  constructor(
    private readonly states: StateSource,
    private readonly store: RoomStore,
    private readonly serverNames: readonly string[],
  ) {}

  async getState(request: GetStateRequest) {
    const { version, events } = await visibleState(this.states, request);
    return { events, roomVersion: version };
  }

  async listMemberships({ userId, memberships }: ListMembershipsRequest) {
    return { rooms: [...(await this.store.listMemberships(userId, memberships))] };
  }

  async listUsersWithoutGuests({ roomId }: ListUsersWithoutGuestsRequest) {
    const head = await this.store.loadHead(roomId);
    if (head === undefined || letsGuestsIn(head)) return { userIds: [] };
    return { userIds: [...(await this.store.joinedUsersOf(head.nid, this.serverNames, MOST_USERS))] };
  }
}
