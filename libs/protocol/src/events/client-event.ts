import type { JsonObject } from '../json/json-value.js';
import { copyNumberLiterals } from '../json/number-literals.js';
import { redactContent } from '../redaction/redact.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import type { RoomEvent } from './pdu.js';
import { redactedEventId } from './redacts.js';

/** An event as clients get it where the room is known from elsewhere, as in /sync. */
export interface SyncEvent {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly origin_server_ts: number;
  readonly content: JsonObject;
  readonly state_key?: string;
  readonly redacts?: string;
  readonly unsigned?: JsonObject;
}

/** An event as clients and application services get it. */
export interface ClientEvent extends SyncEvent {
  readonly room_id: string;
}

export interface ClientEventOptions {
  readonly rules: RoomVersionRules;
  /** `age`, `transaction_id`, `prev_content` and the like. What other servers put there never reaches a client. */
  readonly unsigned?: JsonObject;
}

/** The format of an event in answers to clients. @see https://spec.matrix.org/v1.19/client-server-api/#room-event-format */
export function clientEvent(event: RoomEvent, options: ClientEventOptions): ClientEvent {
  const inSync = syncEvent(event, options);
  return copyNumberLiterals(inSync, { ...inSync, room_id: event.roomId });
}

/**
 * As `clientEvent` without the room id. A redaction names its target both at the top and in its content, for old clients
 * and for new ones.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
 * @see https://spec.matrix.org/v1.19/rooms/v11/#moving-the-redacts-property-of-mroomredaction-events-to-a-content-property
 */
export function syncEvent({ eventId, pdu }: RoomEvent, { rules, unsigned }: ClientEventOptions): SyncEvent {
  const redacts = redactedEventId(pdu, rules);
  return copyNumberLiterals(pdu, {
    event_id: eventId,
    type: pdu.type,
    sender: pdu.sender,
    origin_server_ts: pdu.origin_server_ts,
    content: redacts === undefined ? pdu.content : copyNumberLiterals(pdu.content, { ...pdu.content, redacts }),
    ...(pdu.state_key !== undefined && { state_key: pdu.state_key }),
    ...(redacts !== undefined && { redacts }),
    ...(unsigned !== undefined && { unsigned }),
  });
}

/**
 * What is left in the client format of an event that was redacted: the same as the client format of what is left of it.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#redactions
 */
export function redactSyncEvent<E extends Omit<SyncEvent, 'event_id'>>(event: E, rules: RoomVersionRules): E {
  const { redacts: _, ...kept } = event;
  const content = redactContent(event.type, event.content, rules);
  const redacts = event.type === 'm.room.redaction' ? content.redacts : undefined;
  return copyNumberLiterals(event, { ...kept, content, ...(typeof redacts === 'string' && { redacts }) } as E);
}
