import type { Statement } from '@ganglion/database';
import type { AppendBatch } from '../domain/append-batch.js';
import { APPEND_EPHEMERAL, ephemeralColumns, hasEphemeral } from './ephemeral-statement.js';

/**
 * Appends a batch, provided that nobody else has appended since: the position moves from the batch's previous one and
 * the epoch is still ours, or nothing happens at all.
 */
const APPEND = `
  WITH moved AS (
    UPDATE sync.appender SET position = $2 WHERE position = $1 AND epoch = $3 RETURNING position
  ), room_input AS (
    SELECT i.* FROM unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::text[])
      AS i(room_nid, room_seq, position, visibility), moved
  ), rooms AS (
    UPDATE sync.rooms r SET room_seq = i.room_seq, position = greatest(r.position, i.position), visibility = i.visibility
    FROM room_input i WHERE r.room_nid = i.room_nid
  ), events AS (
    INSERT INTO sync.timeline (position, room_nid, event_id, type, state_key, sender, membership, visibility,
      previous_visibility, origin_server_ts, json, fixed_unsigned, txn_user_id, txn_device_id, txn_id, replaces_state)
    SELECT i.* FROM unnest($8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
      $15::text[], $16::text[], $17::bigint[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[],
      $42::text[]) AS i, moved
  ), state_log AS (
    INSERT INTO sync.state_log (room_nid, type, state_key, position, event_position)
    SELECT i.room_nid, i.type, i.state_key, i.position, i.event_position
    FROM unnest($23::bigint[], $24::text[], $25::text[], $26::bigint[], $27::bigint[])
      AS i(room_nid, type, state_key, position, event_position), moved
  ), memberships AS (
    INSERT INTO sync.memberships (user_id, room_nid, membership, position)
    SELECT i.user_id, i.room_nid, i.membership, i.position
    FROM unnest($28::text[], $29::bigint[], $30::text[], $31::bigint[])
      AS i(user_id, room_nid, membership, position), moved
    ON CONFLICT (user_id, room_nid) DO UPDATE SET membership = excluded.membership, position = excluded.position
  ), redacted AS (
    UPDATE sync.timeline t SET json = i.json, fixed_unsigned = i.fixed_unsigned, rewritten_position = $2
    FROM unnest($32::text[], $33::text[], $34::text[]) AS i(event_id, json, fixed_unsigned), moved
    WHERE t.event_id = i.event_id
  ), account_data AS (
    INSERT INTO sync.account_data (user_id, room_id, type, content, position)
    SELECT i.user_id, i.room_id, i.type, i.content, i.position
    FROM unnest($35::text[], $36::text[], $37::text[], $38::text[], $39::bigint[])
      AS i(user_id, room_id, type, content, position), moved
    ON CONFLICT (user_id, room_id, type) DO UPDATE SET content = excluded.content, position = excluded.position
  ), users AS (
    INSERT INTO sync.users (user_id, user_seq)
    SELECT i.user_id, i.user_seq FROM unnest($40::text[], $41::bigint[]) AS i(user_id, user_seq), moved
    ON CONFLICT (user_id) DO UPDATE SET user_seq = greatest(users.user_seq, excluded.user_seq)
  )`;
const DONE = ' SELECT position FROM moved';

function column<Row, T>(rows: readonly Row[], of: (row: Row) => T | undefined): (T | null)[] {
  return rows.map((row) => of(row) ?? null);
}

/** Of several rows with one key only the last: a statement may write each row once. */
function lastOf<Row>(rows: readonly Row[], key: (row: Row) => string): Row[] {
  return [...new Map(rows.map((row) => [key(row), row])).values()];
}

function eventColumns({ events }: AppendBatch): unknown[] {
  return [
    column(events, (event) => event.position),
    column(events, (event) => event.roomNid),
    column(events, (event) => event.eventId),
    column(events, (event) => event.type),
    column(events, (event) => event.stateKey),
    column(events, (event) => event.sender),
    column(events, (event) => event.membership),
    column(events, (event) => event.visibility),
    column(events, (event) => event.previousVisibility),
    column(events, (event) => event.originServerTs),
    column(events, (event) => event.json),
    column(events, (event) => event.fixedUnsigned || undefined),
    column(events, (event) => event.transaction?.userId),
    column(events, (event) => event.transaction?.deviceId),
    column(events, (event) => event.transaction?.txnId),
  ];
}

/** The memberships that a batch's state changes bring; an entry that vanished stands for having left. */
function membershipColumns({ stateLog }: AppendBatch): unknown[] {
  const changes = stateLog.filter(({ type }) => type === 'm.room.member');
  const rows = lastOf(changes, (change) => `${change.roomNid} ${change.stateKey}`);
  return [
    column(rows, (row) => row.stateKey),
    column(rows, (row) => row.roomNid),
    column(rows, (row) => row.membership ?? 'leave'),
    column(rows, (row) => row.position),
  ];
}

/** The statement that appends a batch under an epoch; it answers with no row when the batch came too late. */
export function appendStatement(batch: AppendBatch, epoch: number): Statement {
  const { rooms, stateLog, redactions } = batch;
  const lastPositions = new Map(batch.events.map((event) => [event.roomNid, event.position]));
  const accountData = lastOf(batch.accountData, (row) => JSON.stringify([row.userId, row.roomId, row.type]));
  const lastRedactions = lastOf(redactions, (redaction) => redaction.eventId);
  const users = lastOf(batch.userSeqs, (user) => user.userId);
  const ephemeral = hasEphemeral(batch);
  return {
    name: ephemeral ? 'append-with-ephemeral' : 'append',
    text: `${APPEND}${ephemeral ? APPEND_EPHEMERAL : ''}${DONE}`,
    values: [
      batch.previousPosition,
      batch.position,
      epoch,
      column(rooms, (room) => room.nid),
      column(rooms, (room) => room.seq),
      column(rooms, (room) => lastPositions.get(room.nid) ?? 0),
      column(rooms, (room) => room.visibility),
      ...eventColumns(batch),
      column(stateLog, (entry) => entry.roomNid),
      column(stateLog, (entry) => entry.type),
      column(stateLog, (entry) => entry.stateKey),
      column(stateLog, (entry) => entry.position),
      column(stateLog, (entry) => entry.eventPosition),
      ...membershipColumns(batch),
      column(lastRedactions, (redaction) => redaction.eventId),
      column(lastRedactions, (redaction) => redaction.json),
      column(lastRedactions, (redaction) => redaction.fixedUnsigned),
      column(accountData, (row) => row.userId),
      column(accountData, (row) => row.roomId),
      column(accountData, (row) => row.type),
      column(accountData, (row) => row.content),
      column(accountData, (row) => row.position),
      column(users, (user) => user.userId),
      column(users, (user) => user.seq),
      column(batch.events, (event) => event.replacesState),
      ...(ephemeral ? ephemeralColumns(batch) : []),
    ],
  };
}
