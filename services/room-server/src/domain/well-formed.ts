import { MatrixError } from '@ganglion/contracts';
import { isJsonObject, type JsonObject } from '@ganglion/protocol';

const MEMBERSHIPS = new Set<unknown>(['join', 'leave', 'invite', 'knock', 'ban']);
const LEVELS = ['ban', 'invite', 'kick', 'redact', 'events_default', 'state_default', 'users_default'];
const MAPS_OF_LEVELS = ['users', 'events', 'notifications'];

/**
 * Refuses state that a client cannot mean: a membership that there is not, levels that are no integers. The rules of most
 * room versions refuse it as well, but cannot say that the mistake is in the request; those of old ones would let it pass,
 * and leave the room with levels that every reader understands in its own way.
 *
 * @throws MatrixError M_BAD_JSON
 * @see https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels
 */
export function checkWellFormed(type: string, content: JsonObject): void {
  if (type === 'm.room.member' && !MEMBERSHIPS.has(content.membership))
    throw badJson('membership is none that there is');
  if (type === 'm.room.power_levels') checkLevels(content);
}

function checkLevels(content: JsonObject): void {
  for (const key of LEVELS) checkLevel(key, content[key]);
  for (const key of MAPS_OF_LEVELS) {
    const map = content[key];
    if (map === undefined) continue;
    if (!isJsonObject(map)) throw badJson(`${key} must be an object`);
    for (const [name, level] of Object.entries(map)) checkLevel(`${key}.${name.slice(0, 255)}`, level);
  }
}

function checkLevel(name: string, level: unknown): void {
  if (level !== undefined && !Number.isSafeInteger(level)) throw badJson(`${name} must be an integer`);
}

function badJson(message: string): MatrixError {
  return new MatrixError(400, 'M_BAD_JSON', message);
}
