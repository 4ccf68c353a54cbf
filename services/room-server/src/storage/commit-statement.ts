import { rowsOf, type Statement, sql, statement } from '@ganglion/database';
import type { NewEvent, RoomCommit } from '../domain/ports/rooms.js';
import {
  authEdges,
  detailRow,
  EVENT_COLUMNS,
  eventRow,
  missingRows,
  redactionRows,
  restatedRows,
} from './event-rows.js';
import { extremitiesText } from './room-rows.js';
import { RUN_COLUMNS, STATE_COLUMNS, stateRow, stateRuns } from './state-row-values.js';
import { rememberedSlots, transactionKey, transactionSlot } from './transaction-keys.js';

/** A run of events that was handed to the bus: its outbox row can go. */
export interface PublishedRun {
  readonly roomNid: number;
  /** Of the first in the order of numbers: the lowest of what was backfilled. */
  readonly firstSeq: number;
}

interface Commits {
  readonly commits: readonly RoomCommit[];
  readonly published: readonly PublishedRun[];
}

/**
 * Deletes the outbox rows of these runs. A row that somebody sweeps at this moment is left to them: a commit never waits
 * for a bus.
 */
const forgetRuns = sql<Pick<Commits, 'published'>>`
  DELETE FROM room_server.outbox WHERE ctid = ANY (ARRAY(
    SELECT o.ctid FROM room_server.outbox o
    JOIN (${rowsOf('p', { room_nid: 'bigint', first_seq: 'bigint' }, ({ published }: Pick<Commits, 'published'>) =>
      published.map((run) => ({ room_nid: run.roomNid, first_seq: run.firstSeq })),
    )}) AS published USING (room_nid, first_seq)
    FOR UPDATE OF o SKIP LOCKED))`;

export const forgetPublished = statement('forget-published', forgetRuns);

const rooms = rowsOf(
  'i',
  {
    room_nid: 'bigint',
    seen_version: 'bigint',
    version: 'bigint',
    room_seq: 'bigint',
    back_seq: 'bigint',
    state_nid: 'bigint',
    state_is_own: 'boolean',
    extremities: 'text',
    participating: 'boolean',
    partial_state: 'boolean',
    dropped_state_nid: 'bigint',
  },
  ({ commits }: Commits) =>
    commits.map(({ roomNid, seen, progress, droppedStateNid }) => ({
      room_nid: roomNid,
      seen_version: seen.version,
      version: progress.version,
      room_seq: progress.roomSeq,
      back_seq: progress.backSeq,
      state_nid: progress.stateNid,
      state_is_own: progress.stateIsOwn,
      extremities: extremitiesText(progress.extremities),
      participating: progress.participating,
      partial_state: progress.partialState,
      dropped_state_nid: droppedStateNid,
    })),
);

const transactions = rowsOf(
  'i',
  {
    room_nid: 'bigint',
    txn_key: 'bigint',
    event_nid: 'bigint',
    user_id: 'text',
    device_id: 'text',
    scope: 'text',
    txn_id: 'text',
  },
  ({ commits }: Commits) =>
    commits.flatMap(({ roomNid, events }) =>
      events.flatMap(({ transaction, nid }) => {
        if (transaction === undefined) return [];
        const { userId: user_id, deviceId: device_id, scope, txnId: txn_id } = transaction;
        const txn_key = transactionKey(transaction);
        return [{ room_nid: roomNid, txn_key, event_nid: nid, user_id, device_id, scope, txn_id }];
      }),
    ),
);

const events = rowsOf('i', EVENT_COLUMNS, ({ commits }: Commits) =>
  commits.flatMap((commit) => commit.events.map((event) => eventRow(commit, event))),
);

const keys = rowsOf(
  'i',
  { room_nid: 'bigint', key_nid: 'bigint', type: 'text', state_key: 'text', version: 'bigint' },
  ({ commits }: Commits) =>
    commits.flatMap(({ roomNid, keys, progress }) =>
      keys.map(({ keyNid, type, stateKey }) => ({
        ...{ room_nid: roomNid, key_nid: keyNid, type, state_key: stateKey, version: progress.version },
      })),
    ),
);

const currentState = rowsOf(
  'i',
  {
    room_nid: 'bigint',
    key_nid: 'bigint',
    type: 'text',
    state_key: 'text',
    event_nid: 'bigint',
    membership: 'text',
    version: 'bigint',
    is_new: 'boolean',
  },
  ({ commits }: Commits) =>
    commits.flatMap(({ roomNid, currentState, keys, progress }) => {
      const isNew = new Set(keys.map(({ keyNid }) => keyNid));
      return currentState.map(({ keyNid, type, stateKey, eventNid, membership }) => ({
        ...{ room_nid: roomNid, key_nid: keyNid, type, state_key: stateKey, event_nid: eventNid || undefined },
        ...{ membership, version: progress.version, is_new: isNew.has(keyNid) },
      }));
    }),
);

const states = rowsOf('i', STATE_COLUMNS, ({ commits }: Commits) =>
  commits.flatMap(({ roomNid, states }) => states.map((state) => stateRow(roomNid, state))),
);

const runs = rowsOf('i', RUN_COLUMNS, ({ commits }: Commits) =>
  commits.flatMap(({ roomNid, states }) => states.flatMap((state) => stateRuns(roomNid, state))),
);

const edges = rowsOf('i', { room_nid: 'bigint', auth_nid: 'bigint', event_nid: 'bigint' }, ({ commits }: Commits) =>
  commits.flatMap(({ roomNid, events }) => events.flatMap((event) => authEdges(roomNid, event))),
);

const MISSING = { room_nid: 'bigint', missing_event_id: 'text', event_nid: 'bigint' } as const;

const missing = rowsOf('i', MISSING, ({ commits }: Commits) =>
  commits.flatMap(({ roomNid, events }) => events.flatMap((event) => missingRows(roomNid, event))),
);

const found = rowsOf('i', MISSING, ({ commits }: Commits) =>
  commits.flatMap(({ roomNid, found }) =>
    found.map(({ missingEventId, eventNid }) => ({
      ...{ room_nid: roomNid, missing_event_id: missingEventId, event_nid: eventNid },
    })),
  ),
);

const details = rowsOf(
  'i',
  {
    room_nid: 'bigint',
    event_nid: 'bigint',
    changes: 'text',
    from_state_nid: 'bigint',
    to_state_nid: 'bigint',
    local_memberships: 'text',
    stripped_state: 'text',
    relay_for: 'text',
    partial_state: 'boolean',
  },
  ({ commits }: Commits) =>
    commits.flatMap(({ roomNid, events }) => events.flatMap((event) => detailRow(roomNid, event))),
);

const redactions = rowsOf(
  'i',
  { room_nid: 'bigint', event_nid: 'bigint', redacted_nid: 'bigint' },
  ({ commits }: Commits) => commits.flatMap(redactionRows),
);

const hosts = rowsOf('i', { room_nid: 'bigint', server_name: 'text', joined: 'integer' }, ({ commits }: Commits) =>
  commits.flatMap(({ roomNid, hosts }) =>
    [...hosts].map(([server_name, joined]) => ({ room_nid: roomNid, server_name, joined })),
  ),
);

const outbox = rowsOf('i', { room_nid: 'bigint', first_seq: 'bigint', last_seq: 'bigint' }, ({ commits }: Commits) =>
  commits.flatMap(outboxRows),
);

/** The runs of events that a commit hands out: live ones, and those that were backfilled. */
export function outboxRows({ roomNid, seen, progress }: RoomCommit) {
  const live = { room_nid: roomNid, first_seq: seen.roomSeq + 1, last_seq: progress.roomSeq };
  const back = { room_nid: roomNid, first_seq: progress.backSeq, last_seq: seen.backSeq - 1 };
  return [live, back].filter(({ first_seq, last_seq }) => first_seq <= last_seq);
}

/**
 * Commits changes to many rooms in one statement. A room takes part only if it still is at the version that its change
 * was planned on and none of its transactions was committed before; the answer names the rooms that did, and of the
 * others the transactions that are known.
 *
 * Rooms are locked in the order of their numbers, so that two processes never wait for each other in a circle.
 */
const BEGIN = sql<Commits>`
  WITH input AS (${rooms}), transaction_input AS (${transactions}), known_transactions AS (
    SELECT t.room_nid, t.event_nid FROM transaction_input t JOIN room_server.transactions k
      USING (room_nid, txn_key, user_id, device_id, scope, txn_id)
    WHERE k.slot = ANY(${() => rememberedSlots()}::smallint[])
  ), locked AS (
    SELECT room_nid, version FROM room_server.rooms
    WHERE room_nid IN (SELECT room_nid FROM input) ORDER BY room_nid FOR UPDATE
  ), current AS (
    SELECT input.* FROM input JOIN locked USING (room_nid)
    WHERE locked.version = input.seen_version
      AND input.room_nid NOT IN (SELECT room_nid FROM known_transactions)
  ), advanced AS (
    UPDATE room_server.rooms r SET version = c.version, room_seq = c.room_seq, back_seq = c.back_seq,
      state_nid = c.state_nid, state_is_own = c.state_is_own, extremities = c.extremities,
      participating = c.participating, partial_state = c.partial_state,
      took_part_version = CASE WHEN c.participating AND NOT r.participating THEN c.version ELSE r.took_part_version END,
      updated_xid = pg_current_xact_id()::text::bigint
    FROM current c WHERE r.room_nid = c.room_nid
    RETURNING r.room_nid
  ), event_input AS (
    SELECT i.* FROM (${events}) AS i JOIN advanced USING (room_nid)
  ), new_events AS (
    INSERT INTO room_server.events (event_nid, room_nid, room_seq, event_id, type, state_key, key_nid, membership, sender,
      depth, origin_server_ts, status, prev_nids, auth_nids, state_before_nid, state_after_nid, visibility,
      previous_visibility, txn_key, redacts_event_id, redacted_by_nid, pdu)
    SELECT event_nid, room_nid, room_seq, event_id, type, state_key, key_nid, membership, sender, depth,
      origin_server_ts, status, prev_nids, auth_nids, state_before_nid, state_after_nid, visibility,
      previous_visibility, txn_key, redacts_event_id, redacted_by_nid, pdu
    FROM event_input WHERE NOT is_known
  ), new_transactions AS (
    INSERT INTO room_server.transactions (slot, room_nid, txn_key, event_nid, user_id, device_id, scope, txn_id)
    SELECT ${() => transactionSlot()}::smallint, i.* FROM transaction_input i JOIN advanced USING (room_nid)
  ), new_outbox AS (
    INSERT INTO room_server.outbox (room_nid, first_seq, last_seq)
    SELECT i.* FROM (${outbox}) AS i JOIN advanced USING (room_nid)
  ), published AS (${forgetRuns})`;

const END = sql`
  SELECT room_nid, NULL::bigint AS known_event_nid FROM advanced
  UNION ALL SELECT room_nid, event_nid FROM known_transactions`;

/** What changes states and edges, as most commits do not: each part costs, also when it has nothing to do. */
const GRAPH = sql<Commits>`, placed_events AS (
    UPDATE room_server.events e SET room_seq = i.room_seq, status = i.status, prev_nids = i.prev_nids,
      auth_nids = i.auth_nids, state_before_nid = i.state_before_nid, state_after_nid = i.state_after_nid,
      visibility = i.visibility, previous_visibility = i.previous_visibility, key_nid = i.key_nid,
      redacts_event_id = i.redacts_event_id, redacted_by_nid = coalesce(e.redacted_by_nid, i.redacted_by_nid)
    FROM event_input i
    WHERE i.is_known AND e.room_nid = i.room_nid AND e.event_nid = i.event_nid AND e.state_after_nid IS NULL
  ), redaction_input AS (
    SELECT i.* FROM (${redactions}) AS i JOIN advanced USING (room_nid)
  ), redacted AS (
    UPDATE room_server.events e SET redacted_by_nid = i.event_nid FROM redaction_input i
    WHERE e.room_nid = i.room_nid AND e.event_nid = i.redacted_nid AND e.redacted_by_nid IS NULL
  ), state_input AS (
    SELECT i.* FROM (${currentState}) AS i JOIN advanced USING (room_nid)
  ), redacted_entries AS (
    -- Whoever knows the entry has to learn that its event is redacted.
    UPDATE room_server.state_entries s SET changed_version = c.version
    FROM redaction_input i JOIN current c USING (room_nid)
    JOIN room_server.events t ON t.room_nid = i.room_nid AND t.event_nid = i.redacted_nid
    WHERE s.room_nid = t.room_nid AND s.key_nid = t.key_nid AND s.event_nid = t.event_nid
      AND NOT EXISTS (SELECT FROM state_input n WHERE n.room_nid = s.room_nid AND n.key_nid = s.key_nid)
  ), new_keys AS (
    INSERT INTO room_server.state_entries (room_nid, key_nid, type, state_key, event_nid, membership, changed_version)
    SELECT i.room_nid, i.key_nid, i.type, i.state_key, s.event_nid, s.membership, i.version
    FROM (${keys}) AS i JOIN advanced USING (room_nid) LEFT JOIN state_input s USING (room_nid, key_nid)
  ), changed_entries AS (
    UPDATE room_server.state_entries e SET event_nid = i.event_nid, membership = i.membership, changed_version = i.version
    FROM state_input i
    WHERE NOT i.is_new AND e.room_nid = i.room_nid AND e.type = i.type AND e.state_key = i.state_key
  ), new_states AS (
    INSERT INTO room_server.states (room_nid, state_nid, generation, previous_nid, skip_nid, has_runs, key_nids, event_nids)
    SELECT i.* FROM (${states}) AS i JOIN advanced USING (room_nid)
  ), new_runs AS (
    INSERT INTO room_server.state_runs (room_nid, state_nid, first_key, key_nids, event_nids)
    SELECT i.* FROM (${runs}) AS i JOIN advanced USING (room_nid)
  ), dropped_states AS (
    DELETE FROM room_server.states s USING current c
    WHERE s.room_nid = c.room_nid AND s.state_nid = c.dropped_state_nid
  ), dropped_runs AS (
    DELETE FROM room_server.state_runs r USING current c
    WHERE r.room_nid = c.room_nid AND r.state_nid = c.dropped_state_nid
  ), new_edges AS (
    INSERT INTO room_server.auth_edges (room_nid, auth_nid, event_nid)
    SELECT i.* FROM (${edges}) AS i JOIN advanced USING (room_nid) ON CONFLICT DO NOTHING
  ), found_edges AS (
    DELETE FROM room_server.missing_events m USING (${found}) AS i JOIN advanced USING (room_nid)
    WHERE m.room_nid = i.room_nid AND m.missing_event_id = i.missing_event_id AND m.event_nid = i.event_nid
  ), missing_edges AS (
    INSERT INTO room_server.missing_events (room_nid, missing_event_id, event_nid)
    SELECT i.* FROM (${missing}) AS i JOIN advanced USING (room_nid) ON CONFLICT DO NOTHING
  ), new_details AS (
    INSERT INTO room_server.event_details (room_nid, event_nid, changes, from_state_nid, to_state_nid, local_memberships,
      stripped_state, relay_for, partial_state)
    SELECT i.* FROM (${details}) AS i JOIN advanced USING (room_nid)
    -- What was told before it had its place stays as it was told.
    ON CONFLICT DO NOTHING
  ), changed_hosts AS (
    INSERT INTO room_server.room_hosts AS known (room_nid, server_name, joined)
    SELECT i.* FROM (${hosts}) AS i JOIN advanced USING (room_nid)
    ON CONFLICT (room_nid, server_name) DO UPDATE SET joined = known.joined + excluded.joined
  )`;

const partialRooms = rowsOf(
  'i',
  { room_nid: 'bigint', join_nid: 'bigint', server_names: 'text[]' },
  ({ commits }: Commits) =>
    commits.flatMap(({ roomNid, partial }) =>
      partial === undefined || partial === 'ended'
        ? []
        : [{ room_nid: roomNid, join_nid: partial.joinNid, server_names: partial.serverNames }],
    ),
);

const wholeRooms = rowsOf('i', { room_nid: 'bigint' }, ({ commits }: Commits) =>
  commits.flatMap(({ roomNid, partial }) => (partial === 'ended' ? [{ room_nid: roomNid }] : [])),
);

const restated = rowsOf(
  'i',
  {
    room_nid: 'bigint',
    event_nid: 'bigint',
    status: 'smallint',
    state_before_nid: 'bigint',
    state_after_nid: 'bigint',
  },
  ({ commits }: Commits) => commits.flatMap(restatedRows),
);

/** What happens when a room is joined without most of its members, and when these have come. */
const PARTIAL = sql<Commits>`, new_partial_rooms AS (
    INSERT INTO room_server.partial_rooms (room_nid, join_nid, server_names)
    SELECT i.* FROM (${partialRooms}) AS i JOIN advanced USING (room_nid)
  ), whole_rooms AS (
    DELETE FROM room_server.partial_rooms p USING (${wholeRooms}) AS i JOIN advanced USING (room_nid)
    WHERE p.room_nid = i.room_nid
  ), restated AS (
    UPDATE room_server.events e SET status = i.status, state_before_nid = i.state_before_nid,
      state_after_nid = i.state_after_nid
    FROM (${restated}) AS i JOIN advanced USING (room_nid)
    WHERE e.room_nid = i.room_nid AND e.event_nid = i.event_nid
  )`;

const COMMIT_MESSAGES = statement<Commits>('commit-events', sql<Commits>`${BEGIN}${END}`);
const COMMIT = statement<Commits>('commit-events-and-state', sql<Commits>`${BEGIN}${GRAPH}${END}`);
const COMMIT_PARTIAL = statement<Commits>('commit-partial-state', sql<Commits>`${BEGIN}${GRAPH}${PARTIAL}${END}`);

/** Whether a commit only adds messages to the end of a room. */
function isPlain({ states, keys, currentState, found, droppedStateNid, hosts, events }: RoomCommit): boolean {
  const changed = states.length + keys.length + currentState.length + found.length + hosts.size;
  return changed === 0 && droppedStateNid === undefined && events.every(isPlainEvent);
}

function isPlainEvent(event: NewEvent): boolean {
  const { isKnown, keyNid, missing, redactedNid, redactedBy, status } = event;
  const stands = !isKnown && keyNid === undefined && status === 'accepted' && missing.length === 0;
  return stands && redactedNid === undefined && redactedBy === undefined && detailRow(0, event).length === 0;
}

/** The statement that commits all of these and forgets the outbox rows of what was published meanwhile. */
export function commitStatement(commits: readonly RoomCommit[], published: readonly PublishedRun[]): Statement {
  if (commits.some(({ partial }) => partial !== undefined)) return COMMIT_PARTIAL({ commits, published });
  return commits.every(isPlain) ? COMMIT_MESSAGES({ commits, published }) : COMMIT({ commits, published });
}
