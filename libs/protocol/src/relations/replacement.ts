import { type RelatableEvent, relationOf } from './relation.js';

/** Why an event does not replace another, each after a requirement of the specification. */
export type ReplacementRefusal =
  | 'not a replacement of this event'
  | 'different room'
  | 'different sender'
  | 'different type'
  | 'state event'
  | 'original is a replacement'
  | 'no m.new_content';

/**
 * Why an event is no valid replacement of another, or undefined when it is one. What an encrypted replacement
 * contains is for clients to check.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#validity-of-replacement-events
 */
export function replacementRefusal(
  original: RelatableEvent,
  replacement: RelatableEvent,
): ReplacementRefusal | undefined {
  const relation = relationOf(replacement.content);
  if (relation?.relType !== 'm.replace' || relation.eventId !== original.event_id) {
    return 'not a replacement of this event';
  }
  if (replacement.room_id !== original.room_id) return 'different room';
  if (replacement.sender !== original.sender) return 'different sender';
  if (replacement.type !== original.type) return 'different type';
  if (replacement.state_key !== undefined || original.state_key !== undefined) return 'state event';
  if (relationOf(original.content)?.relType === 'm.replace') return 'original is a replacement';
  return hasNewContent(replacement) ? undefined : 'no m.new_content';
}

/**
 * The most recent valid replacement of an event: the one with the highest `origin_server_ts`, and of equals the one with
 * the largest event id. Undefined when there is none, or when the original is redacted.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-side-aggregation-of-mreplace-relationships
 */
export function latestReplacement<E extends RelatableEvent>(
  original: RelatableEvent,
  events: Iterable<E>,
): E | undefined {
  if (original.unsigned?.redacted_because !== undefined) return undefined;
  let latest: E | undefined;
  for (const event of events) {
    if (replacementRefusal(original, event) !== undefined) continue;
    if (latest === undefined || isMoreRecent(event, latest)) latest = event;
  }
  return latest;
}

function hasNewContent(replacement: RelatableEvent): boolean {
  return replacement.type === 'm.room.encrypted' || replacement.content['m.new_content'] !== undefined;
}

function isMoreRecent(event: RelatableEvent, other: RelatableEvent): boolean {
  if (event.origin_server_ts !== other.origin_server_ts) return event.origin_server_ts > other.origin_server_ts;
  return event.event_id > other.event_id;
}
