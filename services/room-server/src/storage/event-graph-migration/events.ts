/**
 * JSONB takes no U+0000, which old PDUs may have, escaped, in any text of their content; it is left out. Escaped backslashes
 * are told otherwise first, so that none of them is taken for the beginning of such an escape.
 */
const CONTENT = String.raw`replace(replace(pdu, '\\', '\u005c'), '\u0000', '')::jsonb -> 'content'`;

/**
 * Events and what is kept of them beside. The table is written anew, and in one go: to change nearly every row of the old
 * one in place would take several times the time and the room.
 */
export const EVENTS = `
  -- The day a transaction was committed on, modulo four, picks its part: what is older than two days goes by emptying one.
  ALTER TABLE room_server.transactions RENAME TO old_transactions;
  ALTER INDEX room_server.transactions_pkey RENAME TO old_transactions_pkey;
  CREATE TABLE room_server.transactions (
    slot smallint NOT NULL,
    room_nid bigint NOT NULL,
    txn_key bigint NOT NULL,
    event_nid bigint NOT NULL,
    user_id text NOT NULL,
    device_id text NOT NULL,
    scope text NOT NULL,
    txn_id text NOT NULL,
    PRIMARY KEY (slot, room_nid, txn_key)
  ) PARTITION BY LIST (slot);
  CREATE TABLE room_server.transactions_0 PARTITION OF room_server.transactions FOR VALUES IN (0);
  CREATE TABLE room_server.transactions_1 PARTITION OF room_server.transactions FOR VALUES IN (1);
  CREATE TABLE room_server.transactions_2 PARTITION OF room_server.transactions FOR VALUES IN (2);
  CREATE TABLE room_server.transactions_3 PARTITION OF room_server.transactions FOR VALUES IN (3);
  INSERT INTO room_server.transactions (slot, room_nid, txn_key, event_nid, user_id, device_id, scope, txn_id)
    SELECT days.day % 4, room_nid,
      ('x' || encode(substring(sha256(convert_to(
        concat_ws(E'\\x1f', user_id, device_id, scope, txn_id), 'UTF8')) FROM 1 FOR 8), 'hex'))::bit(64)::bigint,
      event_nid, user_id, device_id, scope, txn_id
    FROM room_server.old_transactions CROSS JOIN LATERAL (
      SELECT floor(extract(epoch FROM created_at) / 86400)::bigint AS day,
        floor(extract(epoch FROM now()) / 86400)::bigint AS today) AS days
    WHERE days.day BETWEEN days.today - 2 AND days.today
    ON CONFLICT DO NOTHING;
  DROP TABLE room_server.old_transactions;

  ALTER TABLE room_server.events RENAME TO old_events;
  ALTER INDEX room_server.events_pkey RENAME TO old_events_pkey;
  ALTER INDEX room_server.events_by_seq RENAME TO old_events_by_seq;

  -- What each m.room.history_visibility has made of a room, and what was before it.
  CREATE TEMPORARY TABLE visibilities ON COMMIT DROP AS
    SELECT room_nid, room_seq, code, coalesce(lag(code) OVER (PARTITION BY room_nid ORDER BY room_seq), 1) AS previous
    FROM (
      SELECT room_nid, room_seq, coalesce(array_position(ARRAY['world_readable', 'shared', 'invited', 'joined'],
        ${CONTENT} ->> 'history_visibility') - 1, 1) AS code
      FROM room_server.old_events WHERE type = 'm.room.history_visibility' AND state_key = ''
    ) AS v;
  ANALYZE visibilities;

  -- status: 0 accepted, 1 rejected, 2 soft-failed, 3 outlier, 4 waiting. room_seq: 1, 2 … of live events that were accepted, -1, -2 …
  -- of those that were backfilled. Placed events have states before and after them. visibility: the history visibility
  -- after the event, previous_visibility the one before where it differs (0 world_readable, 1 shared, 2 invited, 3 joined).
  CREATE TABLE room_server.events (
    event_nid bigint NOT NULL,
    room_nid bigint NOT NULL,
    room_seq bigint,
    event_id text NOT NULL,
    type text NOT NULL,
    state_key text,
    key_nid bigint,
    membership text,
    sender text NOT NULL,
    depth bigint NOT NULL,
    origin_server_ts bigint NOT NULL,
    status smallint NOT NULL DEFAULT 0,
    prev_nids bigint[] NOT NULL,
    auth_nids bigint[] NOT NULL,
    state_before_nid bigint,
    state_after_nid bigint,
    visibility smallint,
    previous_visibility smallint,
    txn_key bigint,
    redacts_event_id text,
    redacted_by_nid bigint,
    pdu text NOT NULL
  );
  INSERT INTO room_server.events (event_nid, room_nid, room_seq, event_id, type, state_key, key_nid, membership, sender, depth,
      origin_server_ts, status, prev_nids, auth_nids, state_before_nid, state_after_nid, visibility, previous_visibility,
      txn_key, redacts_event_id, redacted_by_nid, pdu)
    SELECT e.event_nid, e.room_nid, e.room_seq, e.event_id, e.type, e.state_key, k.key_nid,
      CASE WHEN e.type = 'm.room.member' AND e.state_key IS NOT NULL THEN ${CONTENT} ->> 'membership' END,
      e.sender, e.depth, e.origin_server_ts, e.status, e.prev_nids, e.auth_nids,
      nullif(e.state_before_nid, 0), e.state_after_nid, coalesce(v.code, 1),
      CASE WHEN v.room_seq = e.room_seq AND v.previous <> v.code THEN v.previous END,
      t.txn_key, e.redacts_event_id, e.redacted_by_nid, e.pdu
    FROM (
      SELECT *, max(room_seq) FILTER (WHERE type = 'm.room.history_visibility' AND state_key = '')
        OVER (PARTITION BY room_nid ORDER BY room_seq) AS visibility_seq
      FROM room_server.old_events
    ) AS e
    LEFT JOIN room_server.state_entries k
      ON k.room_nid = e.room_nid AND k.type = e.type AND k.state_key = e.state_key
    LEFT JOIN visibilities v ON v.room_nid = e.room_nid AND v.room_seq = e.visibility_seq
    LEFT JOIN room_server.transactions t ON t.room_nid = e.room_nid AND t.event_nid = e.event_nid;
  DROP TABLE room_server.old_events;
  ALTER TABLE room_server.events ADD PRIMARY KEY (room_nid, event_nid);
  -- An id is unique within its room: in the first room versions servers choose it themselves.
  CREATE UNIQUE INDEX events_by_id ON room_server.events (event_id, room_nid);
  CREATE INDEX events_by_target ON room_server.events (room_nid, redacts_event_id) WHERE redacts_event_id IS NOT NULL;
  CREATE UNIQUE INDEX events_by_seq ON room_server.events (room_nid, room_seq) WHERE room_seq IS NOT NULL;
  ANALYZE room_server.events;

  -- Edges to events that have no place in the room yet, by the id that names them: those of accepted events are backward
  -- extremities, the others are what events wait for.
  CREATE TABLE room_server.missing_events (
    room_nid bigint NOT NULL,
    missing_event_id text NOT NULL,
    event_nid bigint NOT NULL,
    PRIMARY KEY (room_nid, missing_event_id, event_nid)
  );
  CREATE INDEX missing_events_by_waiting ON room_server.missing_events (room_nid, event_nid);

  -- The state events that an event authorises: auth_nids turned round, but for m.room.create.
  CREATE TABLE room_server.auth_edges (
    room_nid bigint NOT NULL,
    auth_nid bigint NOT NULL,
    event_nid bigint NOT NULL,
    PRIMARY KEY (room_nid, auth_nid, event_nid)
  );
  INSERT INTO room_server.auth_edges (room_nid, auth_nid, event_nid)
    SELECT DISTINCT e.room_nid, a.event_nid, e.event_nid
    FROM room_server.events e CROSS JOIN unnest(e.auth_nids) AS auth(nid)
    JOIN room_server.events a ON a.room_nid = e.room_nid AND a.event_nid = auth.nid
    WHERE e.key_nid IS NOT NULL AND a.type <> 'm.room.create';

  -- Of events after which the current state differs by anything but the event itself: changes is a JSON list, or null
  -- where it went from one stored state to another in one big step. local_memberships: those of our users that the state
  -- at the event has otherwise than the current state.
  DROP TABLE room_server.state_changes;
  CREATE TABLE room_server.event_details (
    room_nid bigint NOT NULL,
    event_nid bigint NOT NULL,
    changes text,
    from_state_nid bigint,
    to_state_nid bigint,
    local_memberships text,
    stripped_state text,
    PRIMARY KEY (room_nid, event_nid)
  );
`;
