/**
 * From a read model that holds every event's text to one that refers to room-server's events by their numbers: an order of
 * what is live and of each room, a log of each room's state, and memberships of our own users. What it had is brought over
 * by room-server's tables, with its positions, so that the tokens of clients stay valid. Where these are in another
 * database, the read model is emptied: the appender fills it anew from the logs, and positions go on from where they were.
 */
export const SECOND_READ_MODEL = `
  ALTER TABLE sync.rooms RENAME TO old_rooms;
  ALTER TABLE sync.timeline RENAME TO old_timeline;
  ALTER TABLE sync.state_log RENAME TO old_state_log;
  ALTER TABLE sync.memberships RENAME TO old_memberships;
  ALTER TABLE sync.forgotten RENAME TO old_forgotten;
  ALTER TABLE sync.receipts RENAME TO old_receipts;
  ALTER TABLE sync.ephemeral RENAME TO old_ephemeral;

  -- By the numbers of room-server. position: of the last event; members_position: of the last change of a membership;
  -- jump_position: where the state last changed too much to be told with an event.
  CREATE TABLE sync.rooms (
    room_nid bigint CONSTRAINT rooms_by_nid PRIMARY KEY,
    room_id text COLLATE "C" NOT NULL CONSTRAINT rooms_by_id UNIQUE,
    room_version text NOT NULL,
    room_seq bigint NOT NULL DEFAULT 0,
    back_seq bigint NOT NULL DEFAULT 0,
    position bigint NOT NULL DEFAULT 0,
    members_position bigint NOT NULL DEFAULT 0,
    jump_position bigint NOT NULL DEFAULT 0,
    joined integer NOT NULL DEFAULT 0,
    invited integer NOT NULL DEFAULT 0
  ) WITH (fillfactor = 70);

  -- The events that clients can see, in two orders: live ones in that of their positions, all of a room in that of depth
  -- and position. A backfilled event came when what was after it had its position: it has its room_seq, below zero. Rows
  -- never change, and may be split by ranges of position. replaces_nid: the state event that stood in its place before;
  -- redacts_nid: the event that it redacts. flags: see event-flags.ts.
  CREATE TABLE sync.timeline (
    room_nid bigint NOT NULL,
    position bigint NOT NULL,
    event_nid bigint NOT NULL,
    depth bigint NOT NULL,
    replaces_nid bigint,
    redacts_nid bigint,
    flags smallint NOT NULL,
    CONSTRAINT timeline_in_order PRIMARY KEY (room_nid, position)
  );

  -- The memberships of our users at an event, where they are not those of the room's state at its position.
  CREATE TABLE sync.memberships_at (
    room_nid bigint NOT NULL,
    position bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    membership text NOT NULL,
    PRIMARY KEY (room_nid, position, user_id)
  );

  -- Events that were redacted by one that was backfilled, and the position from which on they are.
  CREATE TABLE sync.late_redactions (
    position bigint PRIMARY KEY,
    room_nid bigint NOT NULL,
    event_nid bigint NOT NULL
  );

  -- What entries the states of a room ever had. present_since: of members who are joined or invited, since when.
  CREATE TABLE sync.state_keys (
    room_nid bigint NOT NULL,
    key_nid bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    state_key text COLLATE "C" NOT NULL,
    present_since bigint,
    CONSTRAINT state_keys_by_nid PRIMARY KEY (room_nid, key_nid)
  );

  -- From position on, this entry of the room's state is the event; null when it vanished. The event need not be in the
  -- timeline. membership: of m.room.member events.
  CREATE TABLE sync.state_log (
    room_nid bigint NOT NULL,
    key_nid bigint NOT NULL,
    position bigint NOT NULL,
    event_nid bigint,
    membership text,
    CONSTRAINT state_log_by_key PRIMARY KEY (room_nid, key_nid, position)
  );

  -- The entries of a change of state that is too large to come with its event, until that is appended.
  CREATE TABLE sync.state_jumps (
    room_nid bigint NOT NULL,
    room_seq bigint NOT NULL,
    key_nid bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    state_key text COLLATE "C" NOT NULL,
    event_nid bigint,
    membership text,
    PRIMARY KEY (room_nid, room_seq, key_nid)
  );

  -- Of our own users. position and event_nid: of the last change, be it of a name; since: from where on they have had this
  -- membership. stripped_state: what came with an invite to a room that we are not in.
  CREATE TABLE sync.memberships (
    user_id text COLLATE "C" NOT NULL,
    room_nid bigint NOT NULL,
    membership text NOT NULL,
    position bigint NOT NULL,
    since bigint NOT NULL,
    event_nid bigint,
    stripped_state text,
    CONSTRAINT memberships_by_user PRIMARY KEY (user_id, room_nid)
  );

  CREATE TABLE sync.forgotten (
    user_id text COLLATE "C" NOT NULL,
    room_nid bigint NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT forgotten_by_user PRIMARY KEY (user_id, room_nid)
  );

  -- What users have read. thread_id is empty where the receipt is for all of the room.
  CREATE TABLE sync.receipts (
    room_nid bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    receipt_type text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    event_id text NOT NULL,
    event_position bigint NOT NULL,
    ts bigint NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT receipts_by_room PRIMARY KEY (room_nid, user_id, receipt_type, thread_id)
  );

  -- Receipts as replicas have gathered them, as JSON lists, until the appender has given them their positions.
  CREATE TABLE sync.new_receipts (
    list_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    receipts text NOT NULL
  );

  -- Who was typing when the appender's last term ended, as JSON; nobody knows when its position is not the last one.
  ALTER TABLE sync.appender ADD COLUMN typing text;

  DO $bring_over$
  BEGIN
    IF to_regclass('room_server.state_entries') IS NULL THEN
      UPDATE sync.appender SET room_cursor = 0;
      RETURN;
    END IF;

    CREATE TEMPORARY TABLE room_numbers ON COMMIT DROP AS
      SELECT o.room_nid AS old_nid, r.room_nid FROM sync.old_rooms o
      JOIN room_server.rooms r ON r.room_id = o.room_id COLLATE "C";
    CREATE TEMPORARY TABLE event_numbers ON COMMIT DROP AS
      SELECT t.position, n.room_nid, t.event_id, e.event_nid, e.depth, e.redacted_by_nid
      FROM sync.old_timeline t
      JOIN room_numbers n ON n.old_nid = t.room_nid
      JOIN room_server.events e ON e.event_id = t.event_id AND e.room_nid = n.room_nid;
    CREATE INDEX ON event_numbers (position);
    CREATE INDEX ON event_numbers (room_nid, event_id);
    CREATE INDEX ON event_numbers (room_nid, redacted_by_nid) WHERE redacted_by_nid IS NOT NULL;
    ANALYZE room_numbers, event_numbers;

    INSERT INTO sync.timeline (room_nid, position, event_nid, depth, replaces_nid, redacts_nid, flags)
      SELECT n.room_nid, n.position, n.event_nid, least(n.depth, 9007199254740991), replaced.event_nid, (
          SELECT min(target.event_nid) FROM event_numbers target
          WHERE target.room_nid = n.room_nid AND target.redacted_by_nid = n.event_nid),
        coalesce(array_position(ARRAY['world_readable', 'shared', 'invited', 'joined'], t.visibility), 2) - 1
          + 4 * coalesce(array_position(ARRAY['world_readable', 'shared', 'invited', 'joined'], t.previous_visibility), 0)
          + CASE WHEN t.type = 'm.room.member' THEN 128 ELSE 0 END
      FROM event_numbers n JOIN sync.old_timeline t USING (position)
      LEFT JOIN event_numbers replaced ON replaced.room_nid = n.room_nid AND replaced.event_id = t.replaces_state;

    INSERT INTO sync.state_keys (room_nid, key_nid, type, state_key)
      SELECT k.room_nid, k.key_nid, k.type, k.state_key FROM room_server.state_entries k
      JOIN room_numbers n USING (room_nid)
      WHERE EXISTS (SELECT FROM sync.old_state_log s
        WHERE s.room_nid = n.old_nid AND s.type = k.type AND s.state_key = k.state_key);
    INSERT INTO sync.state_log (room_nid, key_nid, position, event_nid, membership)
      SELECT n.room_nid, k.key_nid, s.position, e.event_nid, t.membership
      FROM sync.old_state_log s
      JOIN room_numbers n ON n.old_nid = s.room_nid
      JOIN sync.state_keys k ON k.room_nid = n.room_nid AND k.type = s.type AND k.state_key = s.state_key
      LEFT JOIN event_numbers e ON e.position = s.event_position
      LEFT JOIN sync.old_timeline t ON t.position = s.event_position;

    -- Where the last stretch of one and the same membership, or of being present, began.
    CREATE TEMPORARY TABLE stretches ON COMMIT DROP AS
      SELECT room_nid, key_nid,
        max(position) FILTER (WHERE membership IS DISTINCT FROM earlier) AS since,
        max(position) FILTER (WHERE is_present AND NOT was_present) AS present_since
      FROM (
        SELECT l.room_nid, l.key_nid, l.position, l.membership, lag(l.membership) OVER versions AS earlier,
          coalesce(l.membership, 'leave') IN ('join', 'invite') AS is_present,
          coalesce(lag(l.membership) OVER versions, 'leave') IN ('join', 'invite') AS was_present
        FROM sync.state_log l JOIN sync.state_keys k USING (room_nid, key_nid) WHERE k.type = 'm.room.member'
        WINDOW versions AS (PARTITION BY l.room_nid, l.key_nid ORDER BY l.position)) AS versions
      GROUP BY room_nid, key_nid;
    CREATE TEMPORARY TABLE members ON COMMIT DROP AS
      SELECT DISTINCT ON (l.room_nid, l.key_nid) l.room_nid, l.key_nid, k.state_key, l.position, l.event_nid,
        coalesce(l.membership, 'leave') AS membership
      FROM sync.state_log l JOIN sync.state_keys k USING (room_nid, key_nid) WHERE k.type = 'm.room.member'
      ORDER BY l.room_nid, l.key_nid, l.position DESC;
    UPDATE sync.state_keys k SET present_since = s.present_since
      FROM members m JOIN stretches s USING (room_nid, key_nid)
      WHERE k.room_nid = m.room_nid AND k.key_nid = m.key_nid AND m.membership IN ('join', 'invite');

    INSERT INTO sync.memberships (user_id, room_nid, membership, position, since, event_nid)
      SELECT m.state_key, m.room_nid, m.membership, m.position, coalesce(s.since, m.position), m.event_nid
      FROM members m JOIN stretches s USING (room_nid, key_nid)
      JOIN room_numbers n USING (room_nid)
      JOIN sync.old_memberships o ON o.room_nid = n.old_nid AND o.user_id = m.state_key;
    INSERT INTO sync.rooms (room_nid, room_id, room_version, room_seq, position, members_position, joined, invited)
      SELECT n.room_nid, o.room_id, o.room_version, o.room_seq, o.position, coalesce(max(m.position), 0),
        count(*) FILTER (WHERE m.membership = 'join'), count(*) FILTER (WHERE m.membership = 'invite')
      FROM room_numbers n JOIN sync.old_rooms o ON o.room_nid = n.old_nid
      LEFT JOIN members m ON m.room_nid = n.room_nid
      GROUP BY n.room_nid, o.room_nid;
    INSERT INTO sync.forgotten (user_id, room_nid, position)
      SELECT f.user_id, n.room_nid, f.position FROM sync.old_forgotten f JOIN room_numbers n ON n.old_nid = f.room_nid;
    INSERT INTO sync.receipts (room_nid, user_id, receipt_type, thread_id, event_id, event_position, ts, position)
      SELECT n.room_nid, o.user_id, o.receipt_type, o.thread_id, o.event_id, o.event_position, o.ts, o.position
      FROM sync.old_receipts o JOIN room_numbers n ON n.old_nid = o.room_nid WHERE o.position IS NOT NULL;
    INSERT INTO sync.new_receipts (receipts)
      SELECT json_build_array(json_build_object('roomNid', n.room_nid, 'userId', o.user_id, 'type', o.receipt_type,
        'threadId', o.thread_id, 'eventId', o.event_id, 'eventPosition', o.event_position, 'ts', o.ts))::text
      FROM sync.old_receipts o JOIN room_numbers n ON n.old_nid = o.room_nid WHERE o.position IS NULL;
  END $bring_over$;

  DROP TABLE sync.old_rooms, sync.old_timeline, sync.old_state_log, sync.old_memberships, sync.old_forgotten,
    sync.old_receipts, sync.old_ephemeral;

  CREATE INDEX timeline_by_position ON sync.timeline (position);
  CREATE INDEX timeline_by_event ON sync.timeline (room_nid, event_nid);
  CREATE INDEX timeline_by_depth ON sync.timeline (room_nid, depth, position);
  CREATE UNIQUE INDEX state_keys_by_name ON sync.state_keys (room_nid, type, state_key);
  CREATE INDEX state_keys_but_members ON sync.state_keys (room_nid) WHERE type <> 'm.room.member';
  CREATE INDEX state_keys_present ON sync.state_keys (room_nid, present_since) WHERE present_since IS NOT NULL;
  CREATE INDEX state_log_by_position ON sync.state_log (room_nid, position);
  CREATE INDEX memberships_by_position ON sync.memberships (position);
  CREATE INDEX receipts_by_position ON sync.receipts (position);
  CREATE INDEX receipts_by_room_and_position ON sync.receipts (room_nid, position);
  CREATE INDEX account_data_above ON sync.account_data (position);
`;
