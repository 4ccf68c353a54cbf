import { InvalidIdentifierError } from './invalid-identifier-error.js';
import { checkLink, decodePercents, encodeSegment, formatQuery, type MatrixLink, viaOf } from './matrix-link.js';

const KIND = 'matrix.to link';
const PREFIX = 'https://matrix.to/#/';

/**
 * Reads a matrix.to link, also one whose sigils, colons or slashes were not encoded as they should be.
 *
 * @throws {InvalidIdentifierError}
 * @see https://spec.matrix.org/v1.19/appendices/#matrixto-navigation
 */
export function parseMatrixTo(link: string): MatrixLink {
  if (!link.startsWith(PREFIX)) throw new InvalidIdentifierError(KIND, `it does not begin with ${PREFIX}`);
  const [path = '', ...query] = link.slice(PREFIX.length).split('?');
  const { target, eventId } = splitPath(path);
  checkLink(KIND, target, eventId);
  return { target, ...(eventId !== undefined && { eventId }), via: viaOf(new URLSearchParams(query.join('?'))) };
}

/** User ids and event ids may hold slashes; what stands before the first slash of a room's link does not. */
function splitPath(path: string): Pick<MatrixLink, 'target' | 'eventId'> {
  const slash = path.indexOf('/');
  const whole = decodePercents(KIND, path);
  if (slash < 0 || whole.startsWith('@')) return { target: whole };
  const target = decodePercents(KIND, path.slice(0, slash));
  const eventId = decodePercents(KIND, path.slice(slash + 1));
  return eventId === '' ? { target } : { target, eventId };
}

/**
 * Writes a matrix.to link.
 *
 * @throws {InvalidIdentifierError} when the link points nowhere
 * @see https://spec.matrix.org/v1.19/appendices/#matrixto-navigation
 */
export function formatMatrixTo({ target, eventId, via }: Omit<MatrixLink, 'action'>): string {
  checkLink(KIND, target, eventId);
  const event = eventId === undefined ? '' : `/${encodeSegment(eventId)}`;
  return `${PREFIX}${encodeSegment(target)}${event}${formatQuery(via.map((server) => ['via', server] as const))}`;
}
