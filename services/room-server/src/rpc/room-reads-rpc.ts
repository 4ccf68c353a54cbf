import type {
  GetStateRequest,
  ListMembershipsRequest,
  ListOurUsersRequest,
  ListUsersWithoutGuestsRequest,
  RoomReads,
} from '@ganglion/contracts/room';
import type { ErasureKnown } from '../domain/hidden-of-erased.js';
import type { RoomStore } from '../domain/ports/rooms.js';
import type { StateSource } from '../domain/ports/state-source.js';
import { letsGuestsIn, type RoomHead } from '../domain/room-head.js';
import { visibleState, visibleStatePage } from '../domain/visible-state.js';
import { whenWhole } from './when-whole.js';

/** However long their ids are, a message holds so many. */
const USERS_A_PAGE = 100_000;
const ENTRIES_A_PAGE = 2_000;

/** What other services read of rooms as they are now. */
export class RoomReadsRpc implements RoomReads {
  constructor(
    private readonly states: StateSource,
    private readonly store: RoomStore,
    private readonly serverNames: readonly string[],
    private readonly erased: ErasureKnown,
    private readonly usersAPage = USERS_A_PAGE,
    private readonly entriesAPage = ENTRIES_A_PAGE,
  ) {}

  async getState(request: GetStateRequest) {
    const { afterKey } = request;
    if (afterKey !== undefined && request.stateKey === undefined) {
      const page = await whenWhole(() =>
        visibleStatePage(this.states, request, { afterKey, limit: this.entriesAPage }, this.erased),
      );
      return { events: page.events, roomVersion: page.version, nextKey: page.nextKey, departed: page.departed };
    }
    const { version, events, departed } = await whenWhole(() => visibleState(this.states, request, this.erased));
    return { events, roomVersion: version, departed };
  }

  async listMemberships({ userId, memberships }: ListMembershipsRequest) {
    return { rooms: [...(await this.store.listMemberships(userId, memberships))] };
  }

  async listUsersWithoutGuests({ roomId, afterUser }: ListUsersWithoutGuestsRequest) {
    const head = await this.store.loadHead(roomId);
    return head === undefined || letsGuestsIn(head) ? { userIds: [] } : this.#page(head, afterUser);
  }

  async listOurUsers({ roomId, afterUser }: ListOurUsersRequest) {
    const head = await this.store.loadHead(roomId);
    return head === undefined ? { userIds: [] } : this.#page(head, afterUser);
  }

  async #page(head: RoomHead, afterUser: string) {
    const userIds = await this.store.joinedUsersAfter(head.nid, this.serverNames, afterUser, this.usersAPage);
    return { userIds: [...userIds], nextUser: userIds.length < this.usersAPage ? undefined : userIds.at(-1) };
  }
}
