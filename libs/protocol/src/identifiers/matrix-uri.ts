import { InvalidIdentifierError } from './invalid-identifier-error.js';
import { checkLink, decodePercents, encodeSegment, formatQuery, type MatrixLink, viaOf } from './matrix-link.js';

const KIND = 'matrix: URI';

const MATRIX_URI = /^matrix:(?:\/\/[^/?#]*\/)?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/is;

/** `user`, `room` and `event` are from drafts of the scheme: understood, never written. */
const SIGILS = new Map([
  ['u', '@'],
  ['user', '@'],
  ['r', '#'],
  ['room', '#'],
  ['roomid', '!'],
]);

/**
 * Reads a `matrix:` URI. An action that does not fit the target is passed over, as is what the scheme reserves.
 *
 * @throws {InvalidIdentifierError}
 * @see https://spec.matrix.org/v1.19/appendices/#matrix-uri-scheme
 */
export function parseMatrixUri(uri: string): MatrixLink {
  const [, path, queryText] = MATRIX_URI.exec(uri) ?? [];
  if (path === undefined) throw new InvalidIdentifierError(KIND, 'another scheme');
  const [type = '', id = '', eventType, event, ...rest] = path.split('/').map((part) => decodePercents(KIND, part));
  const sigil = SIGILS.get(type);
  if (sigil === undefined) throw new InvalidIdentifierError(KIND, 'an unknown type of entity');
  const hasEvent = eventType === 'e' || eventType === 'event';
  if (rest.length > 0 || (eventType !== undefined && !hasEvent))
    throw new InvalidIdentifierError(KIND, 'a path too long');
  const target = `${sigil}${id}`;
  const eventId = hasEvent ? `$${event ?? ''}` : undefined;
  checkLink(KIND, target, eventId);
  const query = new URLSearchParams(queryText);
  return { target, ...(eventId !== undefined && { eventId }), via: viaOf(query), ...actionOf(query, sigil) };
}

function actionOf(query: URLSearchParams, sigil: string): Pick<MatrixLink, 'action'> {
  const action = query.get('action');
  if (action === 'join' && sigil !== '@') return { action };
  return action === 'chat' && sigil === '@' ? { action } : {};
}

const TYPES: Readonly<Record<string, string>> = { '@': 'u', '#': 'r', '!': 'roomid' };

/**
 * Writes a `matrix:` URI.
 *
 * @throws {InvalidIdentifierError} when the link points nowhere
 * @see https://spec.matrix.org/v1.19/appendices/#matrix-uri-scheme
 */
export function formatMatrixUri({ target, eventId, via, action }: MatrixLink): string {
  checkLink(KIND, target, eventId);
  const path = `${TYPES[target.charAt(0)]}/${encodeSegment(target.slice(1))}`;
  const event = eventId === undefined ? '' : `/e/${encodeSegment(eventId.slice(1))}`;
  const parameters = via.map((server) => ['via', server] as const);
  return `matrix:${path}${event}${formatQuery(action === undefined ? parameters : [...parameters, ['action', action]])}`;
}
