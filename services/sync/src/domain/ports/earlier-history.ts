import type { Found, Hole, NearTime } from '../history/earlier-history.js';

/** History that other servers have of our rooms. */
export interface EarlierHistory {
  /** Has it fetched, if there is a gap at this place. Never fails. */
  fetch(roomId: string, hole: Hole): Promise<Found>;
  /** Has an event fetched that is nearer to a time, if there is a gap at this place. Never fails. */
  fetchNear(roomId: string, time: NearTime, hole: Hole): Promise<Found>;
}
