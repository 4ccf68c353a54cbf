/** The words of events in the index that the release before reads; nothing of this release does. */
export const SEARCH = `
  -- key: 0 of the body of a message, 1 of a room's name, 2 of its topic.
  CREATE TABLE sync.search (
    room_nid bigint NOT NULL,
    position bigint NOT NULL,
    event_nid bigint NOT NULL,
    key smallint NOT NULL,
    words tsvector NOT NULL,
    PRIMARY KEY (room_nid, position)
  );
  CREATE INDEX search_by_words ON sync.search USING gin (words);
  CREATE INDEX search_by_event ON sync.search (room_nid, event_nid);

  CREATE TABLE sync.search_progress (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    up_to bigint NOT NULL,
    down_to bigint NOT NULL
  );
  INSERT INTO sync.search_progress (up_to, down_to) SELECT position, position FROM sync.appender;

  -- Down to where events that were backfilled were read.
  CREATE TABLE sync.searched_rooms (room_nid bigint PRIMARY KEY, down_to bigint NOT NULL);
  CREATE INDEX backfilled_rooms ON sync.rooms (room_nid) WHERE back_seq < 0;
`;
