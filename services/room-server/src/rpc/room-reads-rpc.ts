import type { GetStateRequest, ListMembershipsRequest, RoomReads } from '@ganglion/contracts/room';
import type { RoomStore } from '../domain/ports.js';
import { type StateSource, visibleState } from '../domain/visible-state.js';

/** What other services read of rooms as they are now. */
export class RoomReadsRpc implements RoomReads {
  constructor(
    private readonly states: StateSource,
    private readonly store: RoomStore,
  ) {}

  async getState(request: GetStateRequest) {
    const { version, events } = await visibleState(this.states, request);
    return { events, roomVersion: version };
  }

  async listMemberships({ userId, memberships }: ListMembershipsRequest) {
    return { rooms: [...(await this.store.listMemberships(userId, memberships))] };
  }
}
