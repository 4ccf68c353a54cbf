/** The most that an event may take as canonical JSON. @see https://spec.matrix.org/v1.19/client-server-api/#size-limits */
export const MAX_PDU_BYTES = 65_536;
/** @see https://spec.matrix.org/v1.19/rooms/v12/#event-format-1 */
export const MAX_PREV_EVENTS = 20;
/** @see https://spec.matrix.org/v1.19/rooms/v12/#event-format-1 */
export const MAX_AUTH_EVENTS = 10;
/** Where depth stops growing: events at this depth are followed by others at the same. */
export const MAX_DEPTH = Number.MAX_SAFE_INTEGER;

/**
 * The depth of an event that follows others: one more than the deepest of them.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-format-1
 */
export function nextDepth(depthsOfPrevEvents: readonly number[]): number {
  return Math.min(Math.max(0, ...depthsOfPrevEvents) + 1, MAX_DEPTH);
}
