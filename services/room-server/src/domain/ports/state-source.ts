import type { PagedState, StateEvent, StatePage, UserInRoom } from '../visible-state.js';

/** What the state of rooms is read from. */
export interface StateSource {
  membership(roomId: string, userId: string): Promise<UserInRoom | undefined>;
  current(roomNid: number, type?: string, stateKey?: string): Promise<StateEvent[]>;
  currentPage(roomNid: number, page: StatePage, type?: string): Promise<PagedState[]>;
  around(
    roomNid: number,
    eventNid: number,
    side: 'before' | 'after',
    type?: string,
    stateKey?: string,
  ): Promise<StateEvent[]>;
  /** A page of the state after an event. */
  pageAfter(roomNid: number, eventNid: number, page: StatePage, type?: string): Promise<PagedState[]>;
  /** Those of some events after which somebody was joined, by their numbers. */
  joinedAfter(roomNid: number, eventNids: readonly number[], userId: string): Promise<Set<number>>;
}
