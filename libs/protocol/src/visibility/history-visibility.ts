import { isJsonObject } from '../json/json-value.js';

/** Who may see the history of a room. @see https://spec.matrix.org/v1.19/client-server-api/#mroomhistory_visibility */
export type HistoryVisibility = 'world_readable' | 'shared' | 'invited' | 'joined';

/** What holds where a room has no `m.room.history_visibility`, or one that cannot be understood. */
export const DEFAULT_HISTORY_VISIBILITY: HistoryVisibility = 'shared';

const VISIBILITIES: ReadonlySet<unknown> = new Set<HistoryVisibility>([
  'world_readable',
  'shared',
  'invited',
  'joined',
]);

/**
 * The visibility that the content of an `m.room.history_visibility` event sets; pass undefined where there is none.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
 */
export function parseHistoryVisibility(content: unknown): HistoryVisibility {
  const value = isJsonObject(content) ? content.history_visibility : undefined;
  return VISIBILITIES.has(value) ? (value as HistoryVisibility) : DEFAULT_HISTORY_VISIBILITY;
}
