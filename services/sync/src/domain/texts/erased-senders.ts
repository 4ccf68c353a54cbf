import { roomVersionRules } from '@ganglion/protocol';
import type { ErasedSenders, EventPlace } from '../timeline-event.js';
import type { TextRoom } from './event-texts.js';

/** Whose events of a room a reader is shown redacted; undefined where nothing needs to be looked at. */
export function erasedSenders(
  users: ReadonlySet<string>,
  { roomVersion }: Pick<TextRoom, 'roomVersion'>,
  membershipAt: (place: EventPlace) => string | undefined,
): ErasedSenders | undefined {
  const rules = roomVersionRules(roomVersion);
  if (users.size === 0 || rules === undefined) return undefined;
  return { users, rules, wasThere: (place) => membershipAt(place) === 'join' };
}
