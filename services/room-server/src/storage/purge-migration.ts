/** What is let go of rooms: what was asked for, and what came of it. */
export const PURGES = `
  -- purge_seq counts the entries of the room's purge_log. mark_seq: how far the room had come at marked_at, so that what
  -- was there by then is known to be old, whatever time it claims.
  ALTER TABLE room_server.rooms
    ADD COLUMN purge_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN mark_seq bigint,
    ADD COLUMN marked_at timestamptz;

  -- What was purged, for whoever keeps something of these events.
  CREATE TABLE room_server.purge_log (
    room_nid bigint NOT NULL,
    purge_seq bigint NOT NULL,
    event_nids bigint[] NOT NULL,
    PRIMARY KEY (room_nid, purge_seq)
  );

  -- Purges that go on, and those that have ended for a while. Live events go up to up_to_seq, others that are not as deep as
  -- below_depth or older than before_ms. part and reached: how far it has come (see purge-statements.ts).
  CREATE TABLE room_server.purges (
    purge_id text PRIMARY KEY,
    room_nid bigint NOT NULL,
    up_to_seq bigint NOT NULL,
    below_depth bigint NOT NULL,
    before_ms bigint NOT NULL,
    with_local boolean NOT NULL,
    part smallint NOT NULL DEFAULT 0,
    reached bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
  );
  CREATE INDEX purges_to_do ON room_server.purges (created_at) WHERE finished_at IS NULL;

  CREATE INDEX messages_without_place ON room_server.events (room_nid, event_nid)
    WHERE room_seq IS NULL AND state_key IS NULL;
  CREATE INDEX retention_policies ON room_server.state_entries (room_nid)
    WHERE type = 'm.room.retention' AND state_key = '';
`;
