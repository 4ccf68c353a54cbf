import { InvalidIdentifierError } from './invalid-identifier-error.js';
import { parseRoomAlias } from './room-alias.js';
import { parseRoomId } from './room-id.js';
import { isValidServerName } from './server-name.js';
import { checkSigil } from './sigil.js';
import { parseUserId } from './user-id.js';

/** What a `matrix:` URI or a matrix.to link points to. */
export interface MatrixLink {
  /** A user id, a room id or a room alias, with its sigil. */
  readonly target: string;
  /** An event in the room. */
  readonly eventId?: string;
  /** Servers to go through to reach the room. */
  readonly via: readonly string[];
  /** `join` a room, `chat` with a user. Only a `matrix:` URI can say so. */
  readonly action?: 'join' | 'chat';
}

/** Checks a target and its event id. Event ids are opaque here: a link may come from a room version unknown to us. */
export function checkLink(kind: string, target: string, eventId: string | undefined): void {
  const parse = { '@': parseUserId, '!': parseRoomId, '#': parseRoomAlias }[target.charAt(0)];
  if (!parse) throw new InvalidIdentifierError(kind, 'neither user nor room');
  parse(target);
  if (eventId === undefined) return;
  if (target.startsWith('@')) throw new InvalidIdentifierError(kind, 'an event of a user');
  checkSigil('event id', '$', eventId);
  if (eventId === '$') throw new InvalidIdentifierError(kind, 'an empty event id');
}

/** The servers in a query; what is no server name is passed over. */
export function viaOf(query: URLSearchParams): string[] {
  return query.getAll('via').filter(isValidServerName);
}

/** @throws {InvalidIdentifierError} where there is a % that encodes nothing */
export function decodePercents(kind: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) throw new InvalidIdentifierError(kind, 'malformed percent-encoding');
    throw error;
  }
}

/** Percent-encodes what could be misread in a path, and leaves the rest readable. */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/%(?:3A|40|24)/g, decodeURIComponent);
}

/** `?via=…` and what else a link says of itself, or nothing. */
export function formatQuery(parameters: readonly (readonly [string, string])[]): string {
  return parameters.map(([name, value], index) => `${index === 0 ? '?' : '&'}${name}=${encodeSegment(value)}`).join('');
}
