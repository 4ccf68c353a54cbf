import { MatrixError } from '@ganglion/contracts';
import { isJsonObject, type JsonObject } from '@ganglion/protocol';
import type { EventDraft } from './event-builder.js';
import type { RoomHead } from './room-head.js';

const MEMBERSHIPS = new Set<unknown>(['join', 'leave', 'invite', 'knock', 'ban']);
const LEVELS = ['ban', 'invite', 'kick', 'redact', 'events_default', 'state_default', 'users_default'];
const MAPS_OF_LEVELS = ['users', 'events', 'notifications'];

/** An event as somebody asks for it to be sent. */
export interface AskedEvent {
  readonly roomId: string;
  readonly type: string;
  /** Undefined for what is not state. */
  readonly stateKey?: string | undefined;
  readonly content: JsonObject;
}

/**
 * Refuses what a client cannot mean: a room that is to replace itself, which would send everybody in a circle; and of state, a
 * membership that there is not, or levels that are no integers. The rules of most room versions refuse such state as well, but
 * cannot say that the mistake is in the request; those of old ones would let it pass, and leave the room with levels that every
 * reader understands in its own way.
 *
 * @throws MatrixError M_BAD_JSON, M_INVALID_PARAM for a room that replaces itself
 * @see https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels
 */
export function checkWellFormed({ roomId, type, stateKey, content }: AskedEvent): void {
  if (type === 'm.room.tombstone' && content.replacement_room === roomId) {
    throw new MatrixError(400, 'M_INVALID_PARAM', 'A room cannot be replaced by itself');
  }
  if (stateKey === undefined) return;
  if (type === 'm.room.member' && !MEMBERSHIPS.has(content.membership))
    throw badJson('membership is none that there is');
  if (type === 'm.room.power_levels') checkLevels(content);
}

/**
 * Refuses state that a member of the room cannot mean, whatever power they have: a second m.room.create, or levels for those
 * who have made a room of version 12 and stand above all levels.
 *
 * @throws MatrixError M_BAD_JSON
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules
 */
export function checkFitsRoom(head: RoomHead, { type, sender, content }: EventDraft): void {
  if (type !== 'm.room.create' && type !== 'm.room.power_levels') return;
  // Who is not in the room learns nothing of it.
  if (head.membership(sender) !== 'join') return;
  if (type === 'm.room.create') throw badJson('A room has its m.room.create once and for all');
  const creator = creatorsOf(head).find(
    (userId) => isJsonObject(content.users) && Object.hasOwn(content.users, userId),
  );
  if (creator !== undefined) throw badJson(`${creator} created the room and cannot be given a power level`);
}

/** Those who stand above all levels. */
function creatorsOf(head: RoomHead): string[] {
  const create = head.event('m.room.create', '')?.pdu;
  if (create === undefined || !head.rules.privilegedCreators) return [];
  const { additional_creators: additional } = create.content;
  const others = Array.isArray(additional) ? additional.filter((userId) => typeof userId === 'string') : [];
  return [create.sender, ...others];
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
