/** Rooms, whose heads may have several ends from now on, and the servers in them. */
export const ROOMS = `
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

  -- extremities: a JSON list of {nid, id, depth, state}: the forward extremities with the states after them. state_nid is
  -- the current state; state_is_own says that no event has it before or after itself. updated_xid is bigint and has a BRIN index, so that updates stay HOT.
  -- participating: whether one of our users is joined, so that we take part. partial_state: a large join goes on, and the
  -- state before the join is not complete.
  DROP INDEX room_server.rooms_by_update;
  ALTER TABLE room_server.rooms RENAME COLUMN extremities TO last_nids;
  ALTER TABLE room_server.rooms
    DROP COLUMN updated_xid,
    ADD COLUMN room_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN back_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN extremities text NOT NULL DEFAULT '[]',
    ADD COLUMN updated_xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    ADD COLUMN participating boolean NOT NULL DEFAULT true,
    ADD COLUMN partial_state boolean NOT NULL DEFAULT false,
    ADD COLUMN state_is_own boolean NOT NULL DEFAULT false,
    ALTER COLUMN state_nid DROP NOT NULL,
    SET (fillfactor = 70);
  UPDATE room_server.rooms r SET room_seq = version,
    extremities = coalesce((
      SELECT json_agg(json_build_object('nid', e.event_nid, 'id', e.event_id, 'depth', e.depth,
        'state', e.state_after_nid) ORDER BY e.event_nid)::text
      FROM room_server.events e WHERE e.room_nid = r.room_nid AND e.event_nid = ANY(r.last_nids)), '[]'),
    participating = EXISTS (SELECT FROM room_server.room_hosts h WHERE h.room_nid = r.room_nid);
  ALTER TABLE room_server.rooms DROP COLUMN last_nids;
  CREATE INDEX rooms_by_update ON room_server.rooms USING brin (updated_xid) WITH (pages_per_range = 8);

  ALTER TABLE room_server.outbox SET (fillfactor = 70);
  ANALYZE room_server.rooms, room_server.room_hosts, room_server.states, room_server.state_runs,
    room_server.auth_edges, room_server.transactions;
`;
