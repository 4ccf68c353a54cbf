import { MatrixError } from '@ganglion/contracts';
import type { MatchPlace, TimePlace } from '../ports/search-model.js';

/**
 * Where a page begins among the results that there were when the first one was asked for. Only what the reader may see is
 * counted: how much else there is must not be told.
 */
export interface SearchPlace {
  readonly upTo: number;
  /** Results of earlier pages. */
  readonly count: number;
  /** The last one of these. */
  readonly after: MatchPlace;
  /** What was looked at with it is below this place. */
  readonly top: TimePlace;
}

/** As a token. */
export function formatSearchPlace({ upTo, count, after, top }: SearchPlace): string {
  const numbers = [count, after.rank, after.position, after.roomNid, top.position, top.roomNid];
  return `f${upTo}_${numbers.join('_')}`;
}

const TOKEN =
  /^f(\d{1,15})_(\d{1,9})_(\d{1,3}(?:\.\d{1,20})?(?:e-\d{1,3})?)_(-?\d{1,15})_(\d{1,15})_(-?\d{1,15})_(\d{1,15})$/;

/** @throws MatrixError M_INVALID_PARAM for what is not one of our tokens */
export function parseSearchPlace(token: string): SearchPlace {
  const [, upTo, count, rank, position, roomNid, topPosition, topRoom] = TOKEN.exec(token)?.map(Number) ?? [];
  if (topRoom === undefined) {
    throw new MatrixError(400, 'M_INVALID_PARAM', `${token.slice(0, 64)} is not a token of a search`);
  }
  const after = { rank: rank!, position: position!, roomNid: roomNid! };
  return { upTo: upTo!, count: count!, after, top: { position: topPosition!, roomNid: topRoom } };
}
