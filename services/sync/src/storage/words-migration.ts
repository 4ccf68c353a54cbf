/**
 * The words of events, anew: a message has those of its newest edit, and the words of each row include marks of its room, its
 * sender and about when it was, so that the index alone finds what is looked for. It is filled in the background. What a replica
 * of the release before reads and writes meanwhile stays where it was.
 */
export const WORDS = `
  -- key: 0 of the body of a message, 1 of a room's name, 2 of its topic. edit_nid: the edit whose words these are.
  CREATE TABLE sync.words (
    room_nid bigint NOT NULL,
    position bigint NOT NULL,
    event_nid bigint NOT NULL,
    key smallint NOT NULL,
    edit_nid bigint,
    words tsvector NOT NULL,
    CONSTRAINT words_in_order PRIMARY KEY (room_nid, position)
  );
  -- Nobody waits for who writes: what is written is put where it belongs, not into a list that everybody reads who searches.
  CREATE INDEX words_by_word ON sync.words USING gin (words) WITH (fastupdate = off);
  CREATE INDEX words_by_event ON sync.words (room_nid, event_nid);
  CREATE INDEX words_by_edit ON sync.words (room_nid, edit_nid) WHERE edit_nid IS NOT NULL;

  CREATE TABLE sync.words_progress (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    up_to bigint NOT NULL,
    down_to bigint NOT NULL
  );
  INSERT INTO sync.words_progress (up_to, down_to) SELECT position, position FROM sync.appender;

  -- Down to where events that were backfilled were read.
  CREATE TABLE sync.words_of_rooms (room_nid bigint PRIMARY KEY, down_to bigint NOT NULL);
`;

/**
 * Many events share words: what is written first goes into a list, and from there into the index by its words, at half the cost.
 * Only who writes the index waits for that. Who searches reads the list, too, so it is short; in kilobytes.
 */
export const WORDS_TOGETHER = 'ALTER INDEX sync.words_by_word SET (fastupdate = on, gin_pending_list_limit = 512)';
