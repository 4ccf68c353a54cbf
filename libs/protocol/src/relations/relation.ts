import { isJsonObject, type JsonObject, type JsonValue } from '../json/json-value.js';

/** An event as clients get it, as far as relations go. */
export interface RelatableEvent {
  readonly event_id: string;
  readonly room_id: string;
  readonly type: string;
  readonly sender: string;
  readonly origin_server_ts: number;
  readonly state_key?: string | undefined;
  readonly content: JsonObject;
  readonly unsigned?: JsonObject | undefined;
}

/** What an event's `m.relates_to` says. */
export interface Relation {
  readonly relType: string;
  /** The parent. */
  readonly eventId: string;
  /** What an `m.annotation` annotates with, such as an emoji. */
  readonly key?: string;
}

/** The longest `rel_type`, `key` and event id that are taken for one. */
const MAX_LENGTH = 255;

/**
 * The relation of an event to its parent, or undefined where it has none or one that breaks the schema. A reply is
 * none of its own (see `repliedTo`).
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#forming-relationships-between-events
 */
export function relationOf(content: unknown): Relation | undefined {
  const { rel_type, event_id, key } = relatesTo(content);
  if (!isShortText(rel_type) || !isEventId(event_id)) return undefined;
  return { relType: rel_type, eventId: event_id, ...(typeof key === 'string' && { key }) };
}

/**
 * The event that this one replies to. In a thread it may be there only for clients that know no threads: see
 * `isFallbackReply`.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#rich-replies
 */
export function repliedTo(content: unknown): string | undefined {
  const inReplyTo = relatesTo(content)['m.in_reply_to'];
  const eventId = isJsonObject(inReplyTo) ? inReplyTo.event_id : undefined;
  return isEventId(eventId) ? eventId : undefined;
}

/**
 * Whether a message in a thread names the event that it replies to only for clients that know no threads.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#fallback-for-unthreaded-clients
 */
export function isFallbackReply(content: unknown): boolean {
  return relationOf(content)?.relType === 'm.thread' && relatesTo(content).is_falling_back === true;
}

/**
 * What an annotation says of which event: nobody may send the same event type with the same annotation twice. Undefined
 * where the content annotates nothing.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#avoiding-duplicate-annotations
 */
export function annotationOf(content: unknown): { readonly eventId: string; readonly key: string } | undefined {
  const relation = relationOf(content);
  if (relation?.relType !== 'm.annotation' || relation.key === undefined) return undefined;
  return { eventId: relation.eventId, key: relation.key };
}

function relatesTo(content: unknown): JsonObject {
  const value = isJsonObject(content) ? content['m.relates_to'] : undefined;
  return isJsonObject(value) ? value : {};
}

function isEventId(value: JsonValue | undefined): value is string {
  return isShortText(value) && value.startsWith('$');
}

function isShortText(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_LENGTH;
}
