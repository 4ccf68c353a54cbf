import type { JsonObject, JsonValue } from '../json/json-value.js';

/**
 * What an m.room.canonical_alias names as aliases of its room, the main one first; each may be anything.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#mroomcanonical_alias
 */
export function namedAliases({ alias, alt_aliases: others }: JsonObject): (JsonValue | undefined)[] {
  const canonical = alias === undefined || alias === null || alias === '' ? [] : [alias];
  return [...canonical, ...(Array.isArray(others) ? others : others === undefined ? [] : [others])];
}
