import type { RoomEvent } from '../events/pdu.js';

/** An event to be ordered, by a rank of whatever meaning first: the smaller comes first. */
export interface Ranked {
  readonly node: number;
  readonly event: RoomEvent;
  readonly rank: number;
}

/** Rank, then `origin_server_ts`, then event id: how both orderings of state resolution break their ties. */
export function compareRanked(one: Ranked, other: Ranked): number {
  if (one.rank !== other.rank) return one.rank - other.rank;
  const byTime = one.event.pdu.origin_server_ts - other.event.pdu.origin_server_ts;
  if (byTime !== 0) return byTime;
  return one.event.eventId < other.event.eventId ? -1 : 1;
}
