import type { RoomVersionRules } from '../rooms/room-version.js';
import { parseHashOrDomain } from './event-id.js';
import { accepts } from './invalid-identifier-error.js';

export interface RoomId {
  readonly opaqueId: string;
  /** Absent from room version 12 on. It says nothing about where the room is. */
  readonly serverName?: string;
}

/**
 * Takes a room id apart: as the room version has it, or of either form when none is given.
 *
 * @throws {InvalidIdentifierError}
 * @see https://spec.matrix.org/v1.19/appendices/#room-ids
 */
export function parseRoomId(id: string, rules?: RoomVersionRules): RoomId {
  const asHash = rules?.roomIdIsCreateHash ?? !id.includes(':');
  return parseHashOrDomain('room id', '!', id, asHash ? 'base64url' : 'in-event');
}

/** True for a room id of the given room version, or of any. @see https://spec.matrix.org/v1.19/appendices/#room-ids */
export function isValidRoomId(id: unknown, rules?: RoomVersionRules): id is string {
  return accepts((text) => parseRoomId(text, rules), id);
}

/**
 * The id that a room of version 12 or later has by its m.room.create event: the same hash behind another sigil.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-format
 */
export function roomIdOfCreate(createEventId: string): string {
  return `!${createEventId.slice(1)}`;
}

/**
 * The m.room.create event that the id of a room of version 12 or later stands for: see `roomIdOfCreate`.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-format
 */
export function createEventIdOf(roomId: string): string {
  return `$${roomId.slice(1)}`;
}
