import { isJsonObject, type JsonObject } from '../json/json-value.js';
import type { RoomVersionRules } from '../rooms/room-version.js';

/**
 * The rooms whose members may join a room with a restricted join rule, once a server in the room has looked and signed.
 * Undefined where the join rule is another one, or one that the room version does not know.
 *
 * @param joinRules the content of the room's m.room.join_rules event
 * @see https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms
 */
export function roomsThatMayJoin(
  joinRules: JsonObject | undefined,
  rules: RoomVersionRules,
): ReadonlySet<string> | undefined {
  const { join_rule: rule, allow } = joinRules ?? {};
  const isRestricted =
    (rule === 'restricted' && rules.restrictedJoin) || (rule === 'knock_restricted' && rules.knockRestricted);
  return isRestricted ? new Set(namedRooms(allow)) : undefined;
}

function namedRooms(allow: unknown): string[] {
  const conditions = Array.isArray(allow) ? allow.filter(isJsonObject) : [];
  const named = conditions.filter(({ type }) => type === 'm.room_membership').map(({ room_id }) => room_id);
  return named.filter((roomId) => typeof roomId === 'string');
}
