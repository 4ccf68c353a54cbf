import { jsonCodec, type Pdu, type RoomEvent, type RoomVersionRules, roomVersionRules } from '@ganglion/protocol';
import { type Extremity, type KnownKey, RoomHead } from '../domain/room-head.js';

/** A room's row with one of the entries of its current state. */
export interface HeadRow extends Record<string, unknown> {
  room_nid: number;
  room_id: string;
  room_version: string;
  version: number;
  room_seq: number;
  back_seq: number;
  state_nid: number | null;
  state_is_own: boolean;
  extremities: string;
  participating: boolean;
  partial_state: boolean;
  blocked: boolean;
  type: string | null;
}

export interface EntryRow extends Record<string, unknown> {
  type: string;
  state_key: string;
  key_nid: number;
  event_nid: number | null;
  event_id: string;
  membership: string | null;
  redacted: boolean;
  pdu: string;
}

export const HEAD_COLUMNS = `r.room_nid, r.room_id, r.room_version, r.version, r.room_seq, r.back_seq, r.state_nid,
  r.state_is_own, r.extremities, r.participating, r.partial_state, r.blocked`;

export const ENTRY_COLUMNS = `s.type, s.state_key, s.key_nid, s.event_nid, e.event_id, s.membership,
  e.redacted_by_nid IS NOT NULL AS redacted, e.pdu`;

/** The events of entries of a state. */
export const EVENTS_OF_ENTRIES =
  'LEFT JOIN room_server.events e ON e.room_nid = s.room_nid AND e.event_nid = s.event_nid';

/** @throws Error for a version that this program does not know */
export function rulesOf(roomId: string, roomVersion: string): RoomVersionRules {
  const rules = roomVersionRules(roomVersion);
  if (rules === undefined) throw new Error(`room ${roomId} has the unknown version ${roomVersion}`);
  return rules;
}

export function headOf(row: HeadRow): RoomHead {
  const head = new RoomHead(row.room_nid, row.room_id, rulesOf(row.room_id, row.room_version));
  setProgress(head, row);
  return head;
}

export function setProgress(head: RoomHead, row: HeadRow): void {
  head.progress({
    ...{ version: row.version, roomSeq: row.room_seq, backSeq: row.back_seq },
    ...{ stateNid: row.state_nid ?? undefined, stateIsOwn: row.state_is_own },
    extremities: parseExtremities(row.extremities),
    ...{ participating: row.participating, partialState: row.partial_state, blocked: row.blocked },
  });
}

/** Forward extremities, of a text of the room's row. */
export function parseExtremities(text: string): Extremity[] {
  const stored = JSON.parse(text) as { nid: number; id: string; depth: number; state: number; hash?: string }[];
  return stored.map(({ nid, id, depth, state, hash }) => ({ nid, eventId: id, depth, stateNid: state, hash }));
}

/** An entry of the current state, or what is known of a key that has none. */
export function knownKey({ roomId, rules }: Pick<RoomHead, 'roomId' | 'rules'>, row: EntryRow): KnownKey {
  const { key_nid: keyNid, event_nid: nid, event_id: eventId, membership, redacted, pdu } = row;
  if (nid === null) return { keyNid, entry: undefined };
  const event = roomEvent(roomId, eventId, pdu, rules);
  return { keyNid, entry: { nid, eventId, redacted, event, ...(membership !== null && { membership }) } };
}

/** An event from its stored text. @param rules of its room, if they are at hand */
export function roomEvent(
  roomId: string,
  eventId: string,
  pdu: string,
  rules: RoomVersionRules | undefined,
  rejected = false,
): RoomEvent {
  return { eventId, roomId, pdu: jsonCodec(pdu, rules).parse(pdu) as Pdu, rejected };
}

/** Forward extremities as the room's row has them. */
export function extremitiesText(extremities: readonly Extremity[]): string {
  return JSON.stringify(
    extremities.map(({ nid, eventId, depth, stateNid, hash }) => ({ nid, id: eventId, depth, state: stateNid, hash })),
  );
}
