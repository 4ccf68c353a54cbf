/**
 * From rooms that only grow in one line to a graph: states of numbered keys, events that may wait, be refused or have no
 * place, and edges to what is missing. Brings over what is there.
 */
export const EVENT_GRAPH = `
  -- Every pair of type and state key that a room's states ever had, by number, and what the current state has for it:
  -- event_nid is null when that is nothing. changed_version: the version of the room that changed it last.
  CREATE TABLE room_server.state_entries (
    room_nid bigint NOT NULL,
    key_nid bigint NOT NULL,
    type text NOT NULL,
    state_key text NOT NULL,
    event_nid bigint,
    membership text,
    changed_version bigint NOT NULL,
    PRIMARY KEY (room_nid, type, state_key)
  ) WITH (fillfactor = 85);
  CREATE SEQUENCE room_server.migrated_keys;
  INSERT INTO room_server.state_entries (room_nid, key_nid, type, state_key, event_nid, membership, changed_version)
    SELECT k.room_nid, nextval('room_server.migrated_keys'), k.type, k.state_key, c.event_nid, c.membership, r.version
    FROM (SELECT DISTINCT room_nid, type, state_key FROM room_server.events WHERE state_key IS NOT NULL) AS k
    JOIN room_server.rooms r USING (room_nid)
    LEFT JOIN room_server.current_state c USING (room_nid, type, state_key);
  -- Numbers from the common sequence, beyond those that were handed out.
  UPDATE room_server.state_entries
    SET key_nid = key_nid + (SELECT last_value + 1000 FROM room_server.nids);
  SELECT setval('room_server.nids', (SELECT last_value FROM room_server.nids)
    + 1000 * (2 + (SELECT count(*) FROM room_server.state_entries) / 1000));
  DROP SEQUENCE room_server.migrated_keys;
  CREATE UNIQUE INDEX state_entries_by_nid ON room_server.state_entries (room_nid, key_nid);
  CREATE INDEX state_entries_but_members ON room_server.state_entries (room_nid) WHERE type <> 'm.room.member';
  CREATE INDEX memberships_by_member ON room_server.state_entries (state_key, membership) WHERE type = 'm.room.member';

  -- status: 0 accepted, 1 rejected, 2 soft-failed, 3 outlier, 4 waiting. room_seq: 1, 2 … of live events that were accepted, -1, -2 …
  -- of those that were backfilled. Placed events have states before and after them. visibility: the history visibility
  -- after the event, previous_visibility the one before where it differs (0 world_readable, 1 shared, 2 invited, 3 joined).
  ALTER TABLE room_server.events
    ADD COLUMN key_nid bigint,
    ADD COLUMN membership text,
    ADD COLUMN visibility smallint,
    ADD COLUMN previous_visibility smallint,
    ADD COLUMN txn_key bigint;
  UPDATE room_server.events e SET key_nid = k.key_nid FROM room_server.state_entries k
    WHERE k.room_nid = e.room_nid AND k.type = e.type AND k.state_key = e.state_key;
  UPDATE room_server.events SET membership = replace(pdu, '\\u0000', '')::jsonb -> 'content' ->> 'membership'
    WHERE type = 'm.room.member' AND state_key IS NOT NULL;
  UPDATE room_server.events e SET visibility = coalesce((
      SELECT array_position(ARRAY['world_readable', 'shared', 'invited', 'joined'],
        replace(v.pdu, '\\u0000', '')::jsonb -> 'content' ->> 'history_visibility') - 1
      FROM room_server.events v
      WHERE v.room_nid = e.room_nid AND v.type = 'm.room.history_visibility' AND v.state_key = '' AND v.room_seq <= e.room_seq
      ORDER BY v.room_seq DESC LIMIT 1), 1);
  UPDATE room_server.events e SET previous_visibility = p.visibility FROM room_server.events p
    WHERE p.room_nid = e.room_nid AND p.room_seq = e.room_seq - 1 AND p.visibility <> e.visibility;
  ALTER TABLE room_server.events DROP CONSTRAINT events_pkey, DROP CONSTRAINT events_event_id_key;
  ALTER TABLE room_server.events ADD PRIMARY KEY (room_nid, event_nid);
  -- An id is unique within its room: in the first room versions servers choose it themselves.
  CREATE UNIQUE INDEX events_by_id ON room_server.events (event_id, room_nid);
  CREATE INDEX events_by_target ON room_server.events (room_nid, redacts_event_id) WHERE redacts_event_id IS NOT NULL;
  DROP INDEX room_server.events_by_seq;
  CREATE UNIQUE INDEX events_by_seq ON room_server.events (room_nid, room_seq) WHERE room_seq IS NOT NULL;

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
    FROM room_server.events e, unnest(e.auth_nids) AS auth(nid)
    JOIN room_server.events a ON a.event_nid = auth.nid
    WHERE e.state_key IS NOT NULL AND a.room_nid = e.room_nid AND a.type <> 'm.room.create';

  -- A state is its previous one with what differs; event_nids has 0 where an entry is gone. Every eighth in a line knows
  -- all that changed since eight before, every sixty-fourth since sixty-four before, and so on, in runs of a few hundred
  -- keys: skip_nid is the state that these come on top of. Where many keys differ at once, only the runs say so.
  ALTER TABLE room_server.states RENAME TO old_states;
  ALTER INDEX room_server.states_pkey RENAME TO old_states_pkey;
  CREATE TABLE room_server.states (
    room_nid bigint NOT NULL,
    state_nid bigint NOT NULL,
    generation integer NOT NULL,
    previous_nid bigint,
    skip_nid bigint,
    has_runs boolean NOT NULL DEFAULT false,
    key_nids bigint[] NOT NULL,
    event_nids bigint[] NOT NULL,
    PRIMARY KEY (room_nid, state_nid)
  );
  CREATE TABLE room_server.state_runs (
    room_nid bigint NOT NULL,
    state_nid bigint NOT NULL,
    first_key bigint NOT NULL,
    key_nids bigint[] NOT NULL,
    event_nids bigint[] NOT NULL,
    PRIMARY KEY (room_nid, state_nid, first_key)
  );
  WITH RECURSIVE line AS (
    SELECT state_nid, 0 AS generation FROM room_server.old_states WHERE base_nid IS NULL
    UNION ALL
    SELECT s.state_nid, line.generation + 1 FROM room_server.old_states s JOIN line ON s.base_nid = line.state_nid
  )
  INSERT INTO room_server.states (room_nid, state_nid, generation, previous_nid, skip_nid, key_nids, event_nids)
    SELECT s.room_nid, s.state_nid, line.generation, s.base_nid, s.base_nid, d.key_nids, d.event_nids
    FROM room_server.old_states s JOIN line USING (state_nid)
    CROSS JOIN LATERAL (
      SELECT coalesce(array_agg(e.key_nid ORDER BY e.key_nid), '{}') AS key_nids,
        coalesce(array_agg(e.event_nid ORDER BY e.key_nid), '{}') AS event_nids
      FROM unnest(s.added_nids) AS a(event_nid) JOIN room_server.events e USING (event_nid)) AS d;
  DROP TABLE room_server.old_states;

  -- extremities: a JSON list of {nid, id, depth, state}: the forward extremities with the states after them. state_nid is
  -- the current state; state_is_own says that no event has it before or after itself. updated_xid is bigint and has a BRIN index, so that updates stay HOT.
  -- participating: whether one of our users is joined, so that we take part. partial_state: a large join goes on, and the
  -- state before the join is not complete.
  ALTER TABLE room_server.rooms
    ADD COLUMN room_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN back_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN heads text NOT NULL DEFAULT '[]',
    ADD COLUMN committed_xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    ADD COLUMN participating boolean NOT NULL DEFAULT true,
    ADD COLUMN partial_state boolean NOT NULL DEFAULT false,
    ADD COLUMN state_is_own boolean NOT NULL DEFAULT false,
    ALTER COLUMN state_nid DROP NOT NULL,
    SET (fillfactor = 70);
  UPDATE room_server.rooms r SET room_seq = version, heads = coalesce((
      SELECT json_agg(json_build_object('nid', e.event_nid, 'id', e.event_id, 'depth', e.depth,
        'state', e.state_after_nid) ORDER BY e.event_nid)::text
      FROM room_server.events e WHERE e.room_nid = r.room_nid AND e.event_nid = ANY(r.extremities)), '[]');
  DROP INDEX room_server.rooms_by_update;
  ALTER TABLE room_server.rooms DROP COLUMN extremities, DROP COLUMN updated_xid;
  ALTER TABLE room_server.rooms RENAME COLUMN heads TO extremities;
  ALTER TABLE room_server.rooms RENAME COLUMN committed_xid TO updated_xid;
  CREATE INDEX rooms_by_update ON room_server.rooms USING brin (updated_xid) WITH (pages_per_range = 8);
  DROP TABLE room_server.current_state;

  -- How many users of each server are joined.
  CREATE TABLE room_server.room_hosts (
    room_nid bigint NOT NULL,
    server_name text NOT NULL,
    joined integer NOT NULL,
    PRIMARY KEY (room_nid, server_name)
  ) WITH (fillfactor = 70);
  INSERT INTO room_server.room_hosts (room_nid, server_name, joined)
    SELECT room_nid, substring(state_key FROM position(':' IN state_key) + 1), count(*)
    FROM room_server.state_entries WHERE type = 'm.room.member' AND membership = 'join' GROUP BY 1, 2;
  UPDATE room_server.rooms r SET participating = EXISTS (
    SELECT FROM room_server.room_hosts h WHERE h.room_nid = r.room_nid);

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
    SELECT (extract(epoch FROM now())::bigint / 86400) % 4, room_nid,
      ('x' || encode(substring(sha256(convert_to(
        concat_ws(E'\\x1f', user_id, device_id, scope, txn_id), 'UTF8')) FROM 1 FOR 8), 'hex'))::bit(64)::bigint,
      event_nid, user_id, device_id, scope, txn_id
    FROM room_server.old_transactions
    ON CONFLICT DO NOTHING;
  UPDATE room_server.events e SET txn_key = t.txn_key FROM room_server.transactions t
    WHERE t.room_nid = e.room_nid AND t.event_nid = e.event_nid;
  DROP TABLE room_server.old_transactions;

  ALTER TABLE room_server.outbox SET (fillfactor = 70);
`;
