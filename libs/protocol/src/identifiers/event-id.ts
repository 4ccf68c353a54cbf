import type { EventIdFormat } from '../rooms/room-version.js';
import { accepts, InvalidIdentifierError } from './invalid-identifier-error.js';
import { checkSigil, parseDomainIdentifier } from './sigil.js';

export interface EventId {
  /** What stands between the sigil and the domain, if any. */
  readonly opaqueId: string;
  /** Room versions 1 and 2 only. */
  readonly serverName?: string;
}

/** A SHA-256 hash in unpadded base64 of either alphabet. */
const HASHES: Record<Exclude<EventIdFormat, 'in-event'>, RegExp> = {
  base64: /^[A-Za-z0-9+/]{43}$/,
  base64url: /^[A-Za-z0-9_-]{43}$/,
};

/**
 * Takes an event id apart: of the given format, or of any format when none is given.
 *
 * @throws {InvalidIdentifierError}
 * @see https://spec.matrix.org/v1.19/appendices/#event-ids
 */
export function parseEventId(id: string, format?: EventIdFormat): EventId {
  return parseHashOrDomain('event id', '$', id, format);
}

/** True for an event id of the given format, or of any. @see https://spec.matrix.org/v1.19/appendices/#event-ids */
export function isValidEventId(id: unknown, format?: EventIdFormat): id is string {
  return accepts((text) => parseEventId(text, format), id);
}

/** Event ids and room ids share this: a hash without a domain, or an opaque id with one. */
export function parseHashOrDomain(kind: string, sigil: string, id: string, format?: EventIdFormat): EventId {
  if (format === 'in-event' || (format === undefined && id.includes(':'))) {
    const { localpart, serverName } = parseDomainIdentifier(kind, sigil, id);
    return { opaqueId: localpart, serverName };
  }
  checkSigil(kind, sigil, id);
  const opaqueId = id.slice(1);
  const isHash =
    format === undefined
      ? HASHES.base64.test(opaqueId) || HASHES.base64url.test(opaqueId)
      : HASHES[format].test(opaqueId);
  if (!isHash) throw new InvalidIdentifierError(kind, 'not a hash in unpadded base64');
  return { opaqueId };
}
