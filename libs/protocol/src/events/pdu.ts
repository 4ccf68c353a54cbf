import type { JsonObject } from '../json/json-value.js';

/**
 * An event as servers exchange it, whatever the room version. What differs between versions:
 * `event_id` is present in v1 and v2 only; `prev_events` and `auth_events` are pairs of [event id, hashes] in v1 and
 * v2 and plain ids later (read them with `prevEventIds` and `authEventIds`); `room_id` is absent from a v12 create event;
 * `redacts` is in `content` from v11.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-format-1
 */
export interface Pdu {
  readonly event_id?: string;
  readonly room_id?: string;
  readonly type: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly content: JsonObject;
  readonly depth: number;
  readonly origin_server_ts: number;
  readonly prev_events: readonly (string | readonly [string, JsonObject])[];
  readonly auth_events: readonly (string | readonly [string, JsonObject])[];
  readonly redacts?: string;
  readonly hashes: { readonly sha256: string };
  readonly signatures: { readonly [serverName: string]: { readonly [keyId: string]: string } };
  readonly unsigned?: JsonObject;
}

/** An event before it is hashed and signed; in room versions 1 and 2 with the id that its server chose. */
export type UnsignedEvent = Omit<Pdu, 'hashes' | 'signatures'>;

/**
 * A PDU together with the id it has (carried in v1 and v2, computed from v3 on) and the room it belongs to (computed from
 * the create event's id in v12). Every algorithm that walks the event graph works on this.
 */
export interface RoomEvent {
  readonly eventId: string;
  readonly roomId: string;
  readonly pdu: Pdu;
  /** Refused by the auth rules; never part of any state and not usable as an auth event. */
  readonly rejected: boolean;
}

function referencedIds(references: Pdu['prev_events']): string[] {
  return references.map((reference) => (typeof reference === 'string' ? reference : reference[0]));
}

/**
 * The ids of the events that this one follows, in either form.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-format-1
 */
export function prevEventIds(pdu: Pdu): string[] {
  return referencedIds(pdu.prev_events);
}

/**
 * The ids of the events that authorise this one, in either form.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-format-1
 */
export function authEventIds(pdu: Pdu): string[] {
  return referencedIds(pdu.auth_events);
}
