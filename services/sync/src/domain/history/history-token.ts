import { MatrixError } from '@ganglion/contracts';
import type { OrderKey } from '../ports/read-model.js';
import { formatToken, parseToken } from '../sync-token.js';

/**
 * A place between two events of a room. Tokens of /sync are one in the order of positions. Those of /messages are one in
 * the room's own order, `t<depth>.<position>.<upTo>`: after everything up to this depth and position, where of live events
 * only those up to a position count. What came later has its place after all of these, whatever its depth, so that nobody who
 * goes on with a token misses it, or sees it twice.
 */
export type HistoryToken = LivePlace | RoomPlace;

export interface LivePlace {
  /** All positions up to this one lie before it. */
  readonly after: number;
}

export interface RoomPlace {
  /** Everything up to this depth and position lies before it. */
  readonly key: OrderKey;
  /** Live events up to this position alone. */
  readonly upTo: number;
}

const MAX = Number.MAX_SAFE_INTEGER;
/** Before and after everything. */
const BEGINNING: OrderKey = { depth: 0, position: -MAX };
const END: OrderKey = { depth: MAX, position: MAX };

export function beginningOf(upTo: number): RoomPlace {
  return { key: BEGINNING, upTo };
}

export function endOf(upTo: number): RoomPlace {
  return { key: END, upTo };
}

export function isLive(token: HistoryToken): token is LivePlace {
  return 'after' in token;
}

export function formatHistoryToken(token: HistoryToken): string {
  if (isLive(token)) return formatToken(token.after);
  const { key, upTo } = token;
  return key === END ? formatToken(upTo) : `t${key.depth}.${key.position}.${upTo}`;
}

/** @throws MatrixError M_INVALID_PARAM for what is not one of our tokens */
export function parseHistoryToken(token: string): HistoryToken {
  const [, depth, position, upTo] = /^t(\d{1,16})\.(-?\d{1,16})\.(\d{1,15})$/.exec(token)?.map(Number) ?? [];
  if (depth === undefined || position === undefined || upTo === undefined) return { after: parseToken(token) };
  if (!Number.isSafeInteger(depth) || !Number.isSafeInteger(position)) {
    throw new MatrixError(400, 'M_INVALID_PARAM', `${token.slice(0, 64)} is not a token of this server`);
  }
  return { key: { depth, position }, upTo };
}

/** The position that the room has to have been read up to, for a token to be understood. */
export function reachOf(token: HistoryToken): number {
  return isLive(token) ? token.after : token.upTo;
}
