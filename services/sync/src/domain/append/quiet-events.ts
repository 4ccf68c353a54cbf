import { contentText, type EventText } from '../event-text.js';

/** Types that the usual push rules are silent about, or that stand for no event of their own. */
const QUIET = new Set(['m.reaction', 'm.room.redaction']);

/**
 * Whether nobody who has the usual push rules has an event left to read, whatever the room: so that counting what is unread
 * need not look at every member who ever came. That it is not quiet does not mean that it notifies.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#predefined-rules
 */
export function isQuietEvent(text: EventText): boolean {
  const { type, stateKey } = text;
  if (type === 'm.room.member') return true;
  if (stateKey === undefined ? !QUIET.has(type) : type === 'm.room.tombstone') return false;
  // Whoever is mentioned is told of it.
  return !contentText(text).includes('"m.mentions"');
}
