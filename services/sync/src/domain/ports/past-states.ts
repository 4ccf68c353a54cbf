/** Which entries of a state are wanted. */
export interface WantedEntries {
  /** All but members. */
  readonly others: boolean;
  readonly members: 'all' | Iterable<string>;
}

/** The states of rooms at events that have no position, as they were backfilled. */
export interface PastStates {
  /** The numbers of the entries' events; undefined where that cannot be told. @param roomNid as room-server numbers it */
  at(roomNid: number, eventNid: number, wanted: WantedEntries): Promise<readonly number[] | undefined>;
}
