/**
 * Which events relate to which others. The appender adds what comes; events from before this migration, and those that an appender
 * of the release before appends meanwhile, have no rows.
 */
export const RELATIONS = `
  ALTER TABLE sync.rooms ADD COLUMN relations_position bigint NOT NULL DEFAULT 0;

  -- By the child's position. What is redacted has no row.
  CREATE TABLE sync.relations (
    room_nid bigint NOT NULL,
    position bigint NOT NULL,
    depth bigint NOT NULL,
    event_nid bigint NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    parent_id text COLLATE "C" NOT NULL,
    rel_type text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    origin_server_ts bigint NOT NULL,
    CONSTRAINT relations_in_order PRIMARY KEY (room_nid, position)
  );
  CREATE INDEX relations_by_parent ON sync.relations (room_nid, parent_id, position);
  CREATE INDEX relations_by_event ON sync.relations (room_nid, event_nid);
  CREATE INDEX relations_of_threads ON sync.relations (room_nid, position) WHERE rel_type = 'm.thread';
`;
