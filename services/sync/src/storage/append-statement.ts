import { type Filled, type Fragment, rowsOf, type Statement, sql, statement } from '@ganglion/database';
import type { AppendBatch, AppendedEvent, RoomBackfill } from '../domain/append-batch.js';
import { isWordless } from '../domain/search/searchable.js';
import type { EventPlace } from '../domain/timeline-event.js';
import { APPEND_KEY_CHANGES } from './device-list-statements.js';
import { APPEND_DEVICE_MESSAGES } from './device-message-statements.js';
import { flagsOf, IS_WORDLESS } from './event-flags.js';
import { APPEND_PRESENCE } from './presence-store.js';
import { APPEND_RECEIPTS } from './receipt-statement.js';

interface Append {
  readonly batch: AppendBatch;
  readonly epoch: number;
}

const ROOM = {
  room_nid: 'bigint',
  room_seq: 'bigint',
  back_seq: 'bigint',
  position: 'bigint',
  members_position: 'bigint',
  relations_position: 'bigint',
  whole_from: 'bigint',
  joined: 'integer',
  invited: 'integer',
} as const;
const EVENT = {
  room_nid: 'bigint',
  position: 'bigint',
  event_nid: 'bigint',
  depth: 'bigint',
  replaces_nid: 'bigint',
  redacts_nid: 'bigint',
  flags: 'smallint',
} as const;
const KEY = {
  room_nid: 'bigint',
  key_nid: 'bigint',
  type: 'text',
  state_key: 'text',
  present_since: 'bigint',
} as const;
const LOG = {
  room_nid: 'bigint',
  key_nid: 'bigint',
  position: 'bigint',
  event_nid: 'bigint',
  membership: 'text',
} as const;
const RELATION = {
  room_nid: 'bigint',
  position: 'bigint',
  depth: 'bigint',
  event_nid: 'bigint',
  event_id: 'text',
  parent_id: 'text',
  rel_type: 'text',
  type: 'text',
  sender: 'text',
  origin_server_ts: 'bigint',
} as const;
const REDACTED = { room_nid: 'bigint', event_nid: 'bigint' } as const;
const MEMBERSHIP = {
  user_id: 'text',
  room_nid: 'bigint',
  membership: 'text',
  position: 'bigint',
  since: 'bigint',
  event_nid: 'bigint',
  stripped_state: 'text',
} as const;
const MEMBERSHIP_AT = { room_nid: 'bigint', position: 'bigint', user_id: 'text', membership: 'text' } as const;
const REDACTION = { position: 'bigint', room_nid: 'bigint', event_nid: 'bigint' } as const;
const ACCOUNT_DATA = {
  user_id: 'text',
  room_id: 'text',
  type: 'text',
  content: 'text',
  position: 'bigint',
} as const;
/** What late_redactions has in the place of an event where it tells of a purge, and of what was backfilled. */
export const PURGED = 0;
export const BACKFILLED = -1;

const USER = { user_id: 'text', user_seq: 'bigint' } as const;

/**
 * Appends a batch, provided that nobody else has appended since: the position moves from the batch's previous one and
 * the epoch is still ours, or nothing happens at all.
 */
const EVENTS: Fragment<Append> = sql<Append>`
  WITH moved AS (
    UPDATE sync.appender SET position = ${({ batch }) => batch.position}
    WHERE position = ${({ batch }) => batch.previousPosition} AND epoch = ${({ epoch }) => epoch} RETURNING position
  ), rooms AS (
    UPDATE sync.rooms r SET room_seq = i.room_seq, back_seq = i.back_seq, position = greatest(r.position, i.position),
      members_position = i.members_position, relations_position = i.relations_position, whole_from = i.whole_from,
      joined = i.joined, invited = i.invited
    FROM (${rowsOf('room', ROOM, ({ batch }: Append) => roomRows(batch))}) AS i, moved WHERE r.room_nid = i.room_nid
  ), events AS (
    INSERT INTO sync.timeline (room_nid, position, event_nid, depth, replaces_nid, redacts_nid, flags)
    ${rowsOf('event', EVENT, ({ batch }: Append) => places(batch).map(eventRow))}, moved
  )`;

const STATE: Fragment<Append> = sql`, state_keys AS (
    INSERT INTO sync.state_keys (room_nid, key_nid, type, state_key, present_since)
    ${rowsOf('k', KEY, ({ batch }: Append) => keyRows(batch))}, moved
    ON CONFLICT (room_nid, key_nid) DO UPDATE SET present_since = excluded.present_since
  ), state_log AS (
    INSERT INTO sync.state_log (room_nid, key_nid, position, event_nid, membership)
    ${rowsOf('s', LOG, ({ batch }: Append) => logRows(batch))}, moved
  ), memberships AS (
    INSERT INTO sync.memberships AS known (user_id, room_nid, membership, position, since, event_nid, stripped_state)
    SELECT i.user_id, i.room_nid, i.membership, i.position, coalesce(i.since, (
        SELECT old.since FROM sync.memberships old
        WHERE old.user_id = i.user_id AND old.room_nid = i.room_nid AND old.membership = i.membership), i.position),
      i.event_nid, i.stripped_state
    FROM (${rowsOf('m', MEMBERSHIP, ({ batch }: Append) => membershipRows(batch))}) AS i, moved
    ON CONFLICT (user_id, room_nid) DO UPDATE SET membership = excluded.membership, position = excluded.position,
      since = excluded.since, event_nid = excluded.event_nid, stripped_state = excluded.stripped_state
  ), memberships_at AS (
    INSERT INTO sync.memberships_at (room_nid, position, user_id, membership)
    ${rowsOf('a', MEMBERSHIP_AT, ({ batch }: Append) => places(batch).flatMap(membershipsAt))}, moved
  ), late_redactions AS (
    INSERT INTO sync.late_redactions (position, room_nid, event_nid)
    ${rowsOf('l', REDACTION, ({ batch }: Append) => lateRedactionRows(batch))}, moved
  )`;

const USERS: Fragment<Append> = sql`, account_data AS (
    INSERT INTO sync.account_data (user_id, room_id, type, content, position)
    ${rowsOf('d', ACCOUNT_DATA, ({ batch }: Append) => accountDataRows(batch))}, moved
    ON CONFLICT (user_id, room_id, type) DO UPDATE SET content = excluded.content, position = excluded.position
  ), users AS (
    INSERT INTO sync.users (user_id, user_seq) ${rowsOf('u', USER, ({ batch }: Append) => userRows(batch))}, moved
    ON CONFLICT (user_id) DO UPDATE SET user_seq = greatest(users.user_seq, excluded.user_seq)
  )`;

/** What is redacted relates to nothing any more. */
const RELATIONS: Fragment<Append> = sql`, relations AS (
    INSERT INTO sync.relations (
      room_nid, position, depth, event_nid, event_id, parent_id, rel_type, type, sender, origin_server_ts)
    ${rowsOf('n', RELATION, ({ batch }: Append) => relationRows(batch))}, moved
    ON CONFLICT (room_nid, position) DO NOTHING
  ), taken_back AS (
    DELETE FROM sync.relations r
    USING (${rowsOf('b', REDACTED, ({ batch }: Append) => redactedRows(batch))}) AS b, moved
    WHERE r.room_nid = b.room_nid AND r.event_nid = b.event_nid
  )`;

const NOTHING: Fragment<Append> = sql``;
const PLACED_RECEIPTS: Fragment<Append> = sql`(SELECT json_agg(position) FROM receipts)`;
const NO_RECEIPTS: Fragment<Append> = sql`NULL`;

/** By what a batch brings beside events of rooms: most bring nothing else, and their statement does nothing else. */
const statements = new Map<string, Filled<Append>>();

/**
 * The statement that appends a batch under an epoch; it answers with no row when the batch came too late, and with the
 * positions of those receipts that it placed.
 */
export function appendStatement(batch: AppendBatch, epoch: number): Statement {
  const parts = {
    ...{ state: hasState(batch), users: hasUsers(batch) },
    relations: batch.relations.length + batch.redactions.length > 0,
    receipts: batch.receipts.length > 0,
    keys: batch.keyChanges.length > 0,
    messages: batch.placedMessageLists.length > 0,
    presence: batch.presence.length > 0,
  };
  const name = ['append', ...Object.entries(parts).flatMap(([part, has]) => (has ? part : []))].join('-');
  const known = statements.get(name);
  if (known !== undefined) return known({ batch, epoch });
  const { state, users, relations, receipts, keys, messages, presence } = parts;
  const text = sql<Append>`${EVENTS}${state ? STATE : NOTHING}${users ? USERS : NOTHING}${
    relations ? RELATIONS : NOTHING
  }${receipts ? APPEND_RECEIPTS : NOTHING}${keys ? APPEND_KEY_CHANGES : NOTHING}${messages ? APPEND_DEVICE_MESSAGES : NOTHING}${presence ? APPEND_PRESENCE : NOTHING}
  SELECT ${receipts ? PLACED_RECEIPTS : NO_RECEIPTS} AS receipts FROM moved`;
  const made = statement(name, text);
  statements.set(name, made);
  return made({ batch, epoch });
}

function hasState(batch: AppendBatch): boolean {
  const { stateLog, stateKeys, memberships } = batch;
  return (
    stateLog.length + stateKeys.length + memberships.length + lateRedactionRows(batch).length > 0 ||
    places(batch).some((place) => place.memberships !== undefined)
  );
}

function hasUsers({ accountData, userSeqs }: AppendBatch): boolean {
  return accountData.length + userSeqs.length > 0;
}

function places({ events, backfilled }: AppendBatch): readonly (EventPlace & Pick<AppendedEvent, 'text'>)[] {
  return backfilled.length === 0 ? events : [...events, ...backfilled];
}

function roomRows({ rooms, events }: AppendBatch) {
  const lastPositions = new Map(events.map((event) => [event.roomNid, event.position]));
  return rooms.map(({ nid, seq, backSeq, membersPosition, relationsPosition, joined, invited, wholeFrom = 0 }) => ({
    ...{ room_nid: nid, room_seq: seq, back_seq: backSeq, position: lastPositions.get(nid) ?? 0 },
    ...{ members_position: membersPosition, relations_position: relationsPosition, whole_from: wholeFrom },
    ...{ joined, invited },
  }));
}

function eventRow(place: EventPlace & Pick<AppendedEvent, 'text'>) {
  const { roomNid, position, eventNid, depth, replacesNid, redactsNid } = place;
  const wordless = place.text !== undefined && isWordless(place.text.type) ? IS_WORDLESS : 0;
  return {
    ...{ room_nid: roomNid, position, event_nid: eventNid, depth },
    ...{ replaces_nid: replacesNid, redacts_nid: redactsNid, flags: flagsOf(place) + wordless },
  };
}

function keyRows({ stateKeys }: AppendBatch) {
  return stateKeys.map(({ roomNid, keyNid, type, stateKey, presentSince }) => ({
    ...{ room_nid: roomNid, key_nid: keyNid, type, state_key: stateKey, present_since: presentSince },
  }));
}

function logRows({ stateLog }: AppendBatch) {
  return stateLog.map(({ roomNid, keyNid, position, eventNid, membership }) => ({
    ...{ room_nid: roomNid, key_nid: keyNid, position, event_nid: eventNid, membership },
  }));
}

function membershipRows({ memberships }: AppendBatch) {
  return memberships.map(({ userId, roomNid, membership, position, since, eventNid, strippedState }) => ({
    ...{ user_id: userId, room_nid: roomNid, membership, position },
    ...{ since, event_nid: eventNid, stripped_state: strippedState },
  }));
}

function membershipsAt({ roomNid, position, memberships = {} }: EventPlace) {
  return Object.entries(memberships).map(([userId, membership]) => ({
    ...{ room_nid: roomNid, position, user_id: userId, membership },
  }));
}

function lateRedactionRows({ redactions, purges, backfills = [] }: AppendBatch) {
  const told = (rooms: readonly RoomBackfill[], event_nid: number) =>
    rooms.map(({ position, roomNid }) => ({ position, room_nid: roomNid, event_nid }));
  const late = redactions.flatMap(({ position, roomNid, eventNid }) =>
    position === undefined ? [] : [{ position, room_nid: roomNid, event_nid: eventNid }],
  );
  return [...late, ...told(purges, PURGED), ...told(backfills, BACKFILLED)];
}

function relationRows({ relations }: AppendBatch) {
  return relations.map(({ roomNid, position, depth, eventNid, eventId, parentId, relType, ...row }) => ({
    ...{ room_nid: roomNid, position, depth, event_nid: eventNid, event_id: eventId, parent_id: parentId },
    ...{ rel_type: relType, type: row.type, sender: row.sender, origin_server_ts: row.originServerTs },
  }));
}

function redactedRows({ redactions }: AppendBatch) {
  return redactions.map(({ roomNid, eventNid }) => ({ room_nid: roomNid, event_nid: eventNid }));
}

function accountDataRows({ accountData }: AppendBatch) {
  const rows = lastOf(accountData, (row) => JSON.stringify([row.userId, row.roomId, row.type]));
  return rows.map(({ userId, roomId, type, content, position }) => ({
    ...{ user_id: userId, room_id: roomId, type, content, position },
  }));
}

function userRows({ userSeqs }: AppendBatch) {
  return lastOf(userSeqs, ({ userId }) => userId).map(({ userId, seq }) => ({ user_id: userId, user_seq: seq }));
}

/** Of several rows with one key only the last: a statement may write each row once. */
function lastOf<Row>(rows: readonly Row[], key: (row: Row) => string): Row[] {
  return [...new Map(rows.map((row) => [key(row), row])).values()];
}
