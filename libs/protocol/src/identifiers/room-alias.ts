import { accepts } from './invalid-identifier-error.js';
import { parseDomainIdentifier } from './sigil.js';

export interface RoomAlias {
  readonly localpart: string;
  readonly serverName: string;
}

/**
 * Takes a room alias apart.
 *
 * @throws {InvalidIdentifierError}
 * @see https://spec.matrix.org/v1.19/appendices/#room-aliases
 */
export function parseRoomAlias(alias: string): RoomAlias {
  return parseDomainIdentifier('room alias', '#', alias);
}

/** True for a room alias. @see https://spec.matrix.org/v1.19/appendices/#room-aliases */
export function isValidRoomAlias(alias: unknown): alias is string {
  return accepts(parseRoomAlias, alias);
}
