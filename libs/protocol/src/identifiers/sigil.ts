import { exceedsIdentifierLimit } from './byte-length.js';
import { InvalidIdentifierError } from './invalid-identifier-error.js';
import { isValidServerName } from './server-name.js';

export interface DomainIdentifier {
  readonly localpart: string;
  readonly serverName: string;
}

/** Checks what all identifiers share: the sigil in front and at most 255 bytes. */
export function checkSigil(kind: string, sigil: string, id: string): void {
  if (!id.startsWith(sigil)) throw new InvalidIdentifierError(kind, `it does not begin with ${sigil}`);
  if (exceedsIdentifierLimit(id)) throw new InvalidIdentifierError(kind, 'longer than 255 bytes');
}

/**
 * Takes `&localpart:domain` apart. The localpart holds any code points but ':' and NUL.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#common-identifier-format
 */
export function parseDomainIdentifier(kind: string, sigil: string, id: string): DomainIdentifier {
  checkSigil(kind, sigil, id);
  const colon = id.indexOf(':');
  if (colon < 0) throw new InvalidIdentifierError(kind, 'no server name');
  const localpart = id.slice(1, colon);
  const serverName = id.slice(colon + 1);
  if (localpart.includes('\0')) throw new InvalidIdentifierError(kind, 'a NUL character');
  if (!localpart.isWellFormed()) throw new InvalidIdentifierError(kind, 'half of a surrogate pair');
  if (!isValidServerName(serverName)) throw new InvalidIdentifierError(kind, 'malformed server name');
  return { localpart, serverName };
}
