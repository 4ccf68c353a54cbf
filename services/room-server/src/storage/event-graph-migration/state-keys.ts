/**
 * Pairs of type and state key by number. The numbers come from the common sequence, beyond all that were handed out; the
 * sequence goes on behind them.
 */
export const STATE_KEYS = `
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
  INSERT INTO room_server.state_entries (room_nid, key_nid, type, state_key, event_nid, membership, changed_version)
    SELECT room_nid, (SELECT last_value FROM room_server.nids) + 999 + row_number() OVER (ORDER BY room_nid, first_nid),
      type, state_key, c.event_nid, c.membership, r.version
    FROM (
      SELECT room_nid, type, state_key, min(event_nid) AS first_nid
      FROM room_server.events WHERE state_key IS NOT NULL GROUP BY room_nid, type, state_key
    ) AS k
    JOIN room_server.rooms r USING (room_nid)
    LEFT JOIN room_server.current_state c USING (room_nid, type, state_key);
  SELECT setval('room_server.nids', (SELECT last_value FROM room_server.nids)
    + 1000 * (1 + (SELECT count(*) FROM room_server.state_entries) / 1000));
  CREATE UNIQUE INDEX state_entries_by_nid ON room_server.state_entries (room_nid, key_nid);
  CREATE INDEX state_entries_but_members ON room_server.state_entries (room_nid) WHERE type <> 'm.room.member';
  CREATE INDEX memberships_by_member ON room_server.state_entries (state_key, membership) WHERE type = 'm.room.member';
  DROP TABLE room_server.current_state;
  ANALYZE room_server.state_entries;
`;
