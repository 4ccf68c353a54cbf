import type { EventStatus } from '../domain/graph/event-graph.js';
import type { NewEvent, RoomCommit } from '../domain/ports/rooms.js';
import { transactionKey } from './transaction-keys.js';

export const EVENT_COLUMNS = {
  event_nid: 'bigint',
  room_nid: 'bigint',
  room_seq: 'bigint',
  event_id: 'text',
  type: 'text',
  state_key: 'text',
  key_nid: 'bigint',
  membership: 'text',
  sender: 'text',
  depth: 'bigint',
  origin_server_ts: 'bigint',
  status: 'smallint',
  is_known: 'boolean',
  prev_nids: 'bigint[]',
  auth_nids: 'bigint[]',
  state_before_nid: 'bigint',
  state_after_nid: 'bigint',
  visibility: 'smallint',
  previous_visibility: 'smallint',
  txn_key: 'bigint',
  redacts_event_id: 'text',
  redacted_by_nid: 'bigint',
  pdu: 'text',
} as const;

const STATUSES: readonly EventStatus[] = ['accepted', 'rejected', 'soft-failed', 'outlier', 'waiting'];
const VISIBILITIES = ['world_readable', 'shared', 'invited', 'joined'];

export function statusOf(code: number): EventStatus {
  return STATUSES[code]!;
}

export function visibilityOf(code: number): string {
  return VISIBILITIES[code]!;
}

/** A JSON text that PostgreSQL takes: it has no U+0000, which is escaped in all JSON. */
export function eventRow({ roomNid, events }: Pick<RoomCommit, 'roomNid' | 'events'>, event: NewEvent) {
  const { pdu, eventId } = event.event;
  const membership = pdu.type === 'm.room.member' && pdu.state_key !== undefined ? pdu.content.membership : undefined;
  // What is redacted by the same commit has its redaction set at once: one statement writes a row once.
  const redaction = event.redactedBy ?? events.find(({ redactedNid }) => redactedNid === event.nid);
  return {
    event_nid: event.nid,
    room_nid: roomNid,
    room_seq: event.roomSeq,
    event_id: eventId,
    type: pdu.type,
    state_key: pdu.state_key,
    key_nid: event.keyNid,
    membership: typeof membership === 'string' && !membership.includes('\0') ? membership : undefined,
    sender: pdu.sender,
    depth: storable(pdu.depth),
    origin_server_ts: storable(pdu.origin_server_ts),
    status: STATUSES.indexOf(event.status),
    is_known: event.isKnown,
    prev_nids: event.prevNids,
    auth_nids: event.authNids,
    state_before_nid: event.stateBeforeNid,
    state_after_nid: event.stateAfterNid,
    visibility: VISIBILITIES.indexOf(event.visibility),
    previous_visibility:
      event.previousVisibility === undefined ? undefined : VISIBILITIES.indexOf(event.previousVisibility),
    txn_key: event.transaction && transactionKey(event.transaction),
    redacts_event_id: event.redactsEventId,
    redacted_by_nid: redaction?.nid,
    pdu: event.json,
  } as const;
}

/** Old room versions allow for greater numbers than these; the PDU has them. */
function storable(number: number): number {
  return Math.round(Math.max(-Number.MAX_SAFE_INTEGER, Math.min(number, Number.MAX_SAFE_INTEGER)));
}

/** The edges of a state event to what authorises it. */
export function authEdges(roomNid: number, { nid, keyNid, authNids, status }: NewEvent) {
  if (keyNid === undefined || status === 'rejected' || status === 'waiting') return [];
  return authNids.map((authNid) => ({ room_nid: roomNid, auth_nid: authNid, event_nid: nid }));
}

export function missingRows(roomNid: number, { nid, missing }: NewEvent) {
  return missing.map((id) => ({ room_nid: roomNid, missing_event_id: id, event_nid: nid }));
}

/** Redactions of events that are not part of the same commit. */
export function redactionRows({ roomNid, events }: RoomCommit) {
  const nids = new Set(events.map(({ nid }) => nid));
  return events.flatMap(({ nid, redactedNid }) =>
    redactedNid === undefined || nids.has(redactedNid)
      ? []
      : [{ room_nid: roomNid, event_nid: nid, redacted_nid: redactedNid }],
  );
}

/** What events that were placed on partial state come to with the whole of it. */
export function restatedRows({ roomNid, restated }: RoomCommit) {
  return restated.map(({ nid, status, stateBeforeNid, stateAfterNid }) => ({
    ...{ room_nid: roomNid, event_nid: nid, status: STATUSES.indexOf(status) },
    ...{ state_before_nid: stateBeforeNid, state_after_nid: stateAfterNid },
  }));
}

/** What the log has to tell of an event beyond that, as a state event, it has become an entry of the current state. */
export function detailRow(roomNid: number, event: NewEvent) {
  const { nid, roomSeq, stateChanges, jump, localMemberships, strippedState, relayFor, partialState } = event;
  const isPlain = jump === undefined && isOwnChange(event);
  const isBare =
    localMemberships.length === 0 &&
    strippedState === undefined &&
    relayFor === undefined &&
    partialState === undefined;
  if (roomSeq === undefined || (isPlain && isBare)) return [];
  return [
    {
      ...{ room_nid: roomNid, event_nid: nid, stripped_state: strippedState, relay_for: relayFor },
      partial_state: partialState,
      changes: isPlain || jump !== undefined ? undefined : JSON.stringify(stateChanges),
      ...{ from_state_nid: jump?.fromStateNid, to_state_nid: jump?.toStateNid },
      local_memberships: localMemberships.length === 0 ? undefined : JSON.stringify(localMemberships),
    },
  ];
}

/** Whether an event changes the current state just as one in a room without forks does. */
function isOwnChange({ nid, keyNid, roomSeq = 0, stateChanges }: NewEvent): boolean {
  const expected = roomSeq > 0 && keyNid !== undefined ? 1 : 0;
  return stateChanges.length === expected && stateChanges.every(({ eventNid }) => eventNid === nid);
}
