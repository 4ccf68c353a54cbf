import { accepts, InvalidIdentifierError } from './invalid-identifier-error.js';
import { parseDomainIdentifier } from './sigil.js';

export interface UserId {
  readonly localpart: string;
  readonly serverName: string;
}

/**
 * Takes a user id apart, historical ones included: their localparts hold anything but ':' and NUL, and may be empty.
 *
 * @throws {InvalidIdentifierError}
 * @see https://spec.matrix.org/v1.19/appendices/#historical-user-ids
 */
export function parseUserId(id: string): UserId {
  return parseDomainIdentifier('user id', '@', id);
}

/** True for any user id that events may bear. @see https://spec.matrix.org/v1.19/appendices/#historical-user-ids */
export function isValidUserId(id: unknown): id is string {
  return accepts(parseUserId, id);
}

const NEW_LOCALPART = /^[a-z0-9._=/+-]+$/;

/** True for a localpart that a new account may have. @see https://spec.matrix.org/v1.19/appendices/#user-identifiers */
export function isValidLocalpart(localpart: string): boolean {
  return NEW_LOCALPART.test(localpart);
}

/**
 * True for a user id of today's grammar, the only one to give to new accounts.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#user-identifiers
 */
export function isStrictUserId(id: unknown): id is string {
  return isValidUserId(id) && isValidLocalpart(parseUserId(id).localpart);
}

const COMPLIANT_LOCALPART = /^[\x21-\x7e]+$/;

/**
 * False for user ids that are borne with in events only and are not to be forwarded to clients elsewhere.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#historical-user-ids
 */
export function isCompliantUserId(id: unknown): id is string {
  return isValidUserId(id) && COMPLIANT_LOCALPART.test(parseUserId(id).localpart);
}

/**
 * The server name in a user id or any other identifier with a domain: what follows the first colon, unchecked.
 *
 * @throws {InvalidIdentifierError} when there is no colon
 * @see https://spec.matrix.org/v1.19/appendices/#common-identifier-format
 */
export function domainOf(id: string): string {
  const colon = id.indexOf(':');
  if (colon < 0) throw new InvalidIdentifierError('identifier with a domain', 'no server name');
  return id.slice(colon + 1);
}
