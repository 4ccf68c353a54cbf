import type { Statement } from '@ganglion/database';
import type { NewCommittedEvent, RoomCommit } from '../domain/ports.js';

/** The first room_seq of a run of events that was handed to the bus: its outbox row can go. */
export interface PublishedRun {
  readonly roomNid: number;
  readonly firstSeq: number;
}

/**
 * Deletes the outbox rows of these runs; two arrays of bigint are the parameters from `first` on. A row that somebody
 * sweeps at this moment is left to them: a commit never waits for a bus.
 */
export function forgetPublished(first: number): string {
  return `DELETE FROM room_server.outbox WHERE ctid = ANY (ARRAY(
      SELECT o.ctid FROM room_server.outbox o
      JOIN unnest($${first}::bigint[], $${first + 1}::bigint[]) AS p(room_nid, first_seq) USING (room_nid, first_seq)
      FOR UPDATE OF o SKIP LOCKED))`;
}

/**
 * Commits events of many rooms in one statement. A room takes part only if it still is at the version its events were
 * built on and none of their transactions was committed before; the answer names the rooms that did.
 *
 * Rooms are locked in the order of their numbers, so that two processes never wait for each other in a circle.
 */
const COMMIT = `
  WITH input AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[])
      AS i(room_nid, seen_version, version, state_nid, extremities)
  ), transaction_input AS (
    SELECT * FROM unnest($27::bigint[], $28::text[], $29::text[], $30::text[], $31::text[], $32::bigint[])
      AS i(room_nid, user_id, device_id, scope, txn_id, event_nid)
  ), known_transactions AS (
    SELECT t.room_nid FROM transaction_input t JOIN room_server.transactions
      USING (room_nid, user_id, device_id, scope, txn_id)
  ), locked AS (
    SELECT room_nid, version FROM room_server.rooms WHERE room_nid = ANY($1) ORDER BY room_nid FOR UPDATE
  ), current AS (
    SELECT input.* FROM input JOIN locked USING (room_nid)
    WHERE locked.version = input.seen_version
      AND input.room_nid NOT IN (SELECT room_nid FROM known_transactions)
  ), advanced AS (
    UPDATE room_server.rooms r SET version = c.version, state_nid = c.state_nid,
      extremities = c.extremities::bigint[], updated_xid = pg_current_xact_id()
    FROM current c WHERE r.room_nid = c.room_nid
    RETURNING r.room_nid
  ), event_input AS (
    SELECT i.* FROM unnest($6::bigint[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[],
      $13::bigint[], $14::bigint[], $15::text[], $16::text[], $17::bigint[], $18::bigint[], $19::text[], $20::text[],
      $21::text[])
      AS i(event_nid, room_nid, room_seq, event_id, type, state_key, sender, depth, origin_server_ts, prev_nids, auth_nids,
        state_before_nid, state_after_nid, redacts_event_id, pdu, current_membership)
    JOIN advanced USING (room_nid)
  ), new_events AS (
    INSERT INTO room_server.events (event_nid, room_nid, room_seq, event_id, type, state_key, sender, depth,
      origin_server_ts, prev_nids, auth_nids, state_before_nid, state_after_nid, redacts_event_id, pdu)
    SELECT event_nid, room_nid, room_seq, event_id, type, state_key, sender, depth, origin_server_ts,
      prev_nids::bigint[], auth_nids::bigint[], state_before_nid, state_after_nid, redacts_event_id, pdu
    FROM event_input
  ), redacted AS (
    UPDATE room_server.events e SET redacted_by_nid = i.event_nid
    FROM event_input i
    WHERE e.event_id = ANY($35) AND e.redacted_by_nid IS NULL
      AND i.redacts_event_id = e.event_id AND i.room_nid = e.room_nid
  ), new_current_state AS (
    INSERT INTO room_server.current_state (room_nid, type, state_key, event_nid, membership)
    SELECT room_nid, type, state_key, event_nid, nullif(current_membership, '') FROM event_input
    WHERE current_membership IS NOT NULL
    ON CONFLICT (room_nid, type, state_key)
      DO UPDATE SET event_nid = excluded.event_nid, membership = excluded.membership
  ), new_states AS (
    INSERT INTO room_server.states (state_nid, room_nid, base_nid, chain_length, added_nids)
    SELECT i.state_nid, i.room_nid, i.base_nid, i.chain_length, i.added_nids::bigint[]
    FROM unnest($22::bigint[], $23::bigint[], $24::bigint[], $25::integer[], $26::text[])
      AS i(state_nid, room_nid, base_nid, chain_length, added_nids)
    JOIN advanced USING (room_nid)
  ), new_transactions AS (
    INSERT INTO room_server.transactions (room_nid, user_id, device_id, scope, txn_id, event_nid)
    SELECT i.* FROM transaction_input i JOIN advanced USING (room_nid)
  ), new_outbox AS (
    INSERT INTO room_server.outbox (room_nid, first_seq, last_seq)
    SELECT room_nid, seen_version + 1, version FROM current
  ), published AS (
    ${forgetPublished(33)}
  )
  SELECT room_nid FROM advanced`;

const pgArray = (numbers: readonly number[]): string => `{${numbers.join(',')}}`;

/** Which of a commit's state events still stand when all of them are applied: the last one of each (type, state key). */
function standing(events: readonly NewCommittedEvent[]): Set<NewCommittedEvent> {
  const last = new Map<string, NewCommittedEvent>();
  for (const added of events) {
    const { type, state_key } = added.event.pdu;
    if (state_key !== undefined) last.set(JSON.stringify([type, state_key]), added);
  }
  return new Set(last.values());
}

/** Null: not in the current state; an empty string: in it, but no membership. */
function currentMembership(added: NewCommittedEvent, current: ReadonlySet<NewCommittedEvent>): string | null {
  if (!current.has(added)) return null;
  const { type, content } = added.event.pdu;
  return type === 'm.room.member' && typeof content.membership === 'string' ? content.membership : '';
}

function roomColumns(commits: readonly RoomCommit[]): unknown[] {
  return [
    commits.map((commit) => commit.roomNid),
    commits.map((commit) => commit.seenVersion),
    commits.map((commit) => commit.version),
    commits.map((commit) => commit.stateNid),
    commits.map((commit) => pgArray(commit.extremityNids)),
  ];
}

function eventColumns(commits: readonly RoomCommit[]): unknown[] {
  const events = commits.flatMap((commit) => commit.events.map((added) => ({ added, roomNid: commit.roomNid })));
  const current = new Set(commits.flatMap((commit) => [...standing(commit.events)]));
  const column = <T>(of: (added: NewCommittedEvent) => T): T[] => events.map(({ added }) => of(added));
  return [
    column((added) => added.nid),
    events.map(({ roomNid }) => roomNid),
    column((added) => added.roomSeq),
    column((added) => added.event.eventId),
    column((added) => added.event.pdu.type),
    column((added) => added.event.pdu.state_key ?? null),
    column((added) => added.event.pdu.sender),
    column((added) => added.event.pdu.depth),
    column((added) => added.event.pdu.origin_server_ts),
    column((added) => pgArray(added.prevNids)),
    column((added) => pgArray(added.authNids)),
    column((added) => added.stateBeforeNid),
    column((added) => added.stateAfterNid),
    column((added) => added.redactsEventId ?? null),
    column((added) => added.json),
    column((added) => currentMembership(added, current)),
  ];
}

function stateColumns(commits: readonly RoomCommit[]): unknown[] {
  const states = commits.flatMap(({ roomNid, events }) =>
    events.flatMap(({ newState }) => (newState === undefined ? [] : [{ ...newState, roomNid }])),
  );
  return [
    states.map((state) => state.nid),
    states.map((state) => state.roomNid),
    states.map((state) => state.baseNid ?? null),
    states.map((state) => state.chainLength),
    states.map((state) => pgArray(state.addedNids)),
  ];
}

function transactionColumns(commits: readonly RoomCommit[]): unknown[] {
  const rows = commits.flatMap(({ roomNid, events }) =>
    events.flatMap(({ transaction, nid }) => (transaction === undefined ? [] : [{ ...transaction, roomNid, nid }])),
  );
  return [
    rows.map((row) => row.roomNid),
    rows.map((row) => row.userId),
    rows.map((row) => row.deviceId),
    rows.map((row) => row.scope),
    rows.map((row) => row.txnId),
    rows.map((row) => row.nid),
  ];
}

/** The statement that commits all of these and forgets the outbox rows of what was published meanwhile. */
export function commitStatement(commits: readonly RoomCommit[], published: readonly PublishedRun[]): Statement {
  return {
    name: 'commit-events',
    text: COMMIT,
    values: [
      ...roomColumns(commits),
      ...eventColumns(commits),
      ...stateColumns(commits),
      ...transactionColumns(commits),
      published.map((run) => run.roomNid),
      published.map((run) => run.firstSeq),
      commits.flatMap((commit) => commit.events.flatMap(({ redactsEventId }) => redactsEventId ?? [])),
    ],
  };
}
