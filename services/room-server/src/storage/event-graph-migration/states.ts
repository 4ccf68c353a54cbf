/**
 * States as lines with strides. Every room has grown in one line so far: each state event made a state that differs from
 * the one before it by that event alone, so what is stored of the old states need not be read.
 */
export const STATES = `
  -- A state is its previous one with what differs; event_nids has 0 where an entry is gone. Every eighth in a line knows
  -- all that changed since eight before, every sixty-fourth since sixty-four before, and so on, in runs of a few hundred
  -- keys: skip_nid is the state that these come on top of. Where many keys differ at once, only the runs say so.
  DROP TABLE room_server.states;
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
  CREATE TEMPORARY TABLE line ON COMMIT DROP AS
    SELECT *, CASE WHEN generation = 0 THEN 1 ELSE
      (SELECT max(span) FROM (SELECT (8 ^ n)::bigint AS span FROM generate_series(0, 10) AS n) AS spans
        WHERE generation % span = 0) END AS span
    FROM (
      SELECT room_nid, state_after_nid AS state_nid, key_nid, event_nid,
        row_number() OVER (PARTITION BY room_nid ORDER BY room_seq) - 1 AS generation
      FROM room_server.events WHERE key_nid IS NOT NULL
    ) AS states;
  ANALYZE line;
  INSERT INTO room_server.states (room_nid, state_nid, generation, previous_nid, skip_nid, has_runs, key_nids, event_nids)
    SELECT l.room_nid, l.state_nid, l.generation, previous.state_nid, skipped.state_nid, l.span > 1,
      ARRAY[l.key_nid], ARRAY[l.event_nid]
    FROM line l
    LEFT JOIN line previous ON previous.room_nid = l.room_nid AND previous.generation = l.generation - 1
    LEFT JOIN line skipped ON skipped.room_nid = l.room_nid AND skipped.generation = l.generation - l.span;
  -- For each stride, what the states of it and those between have last of each key.
  INSERT INTO room_server.state_runs (room_nid, state_nid, first_key, key_nids, event_nids)
    SELECT room_nid, state_nid, min(key_nid), array_agg(key_nid ORDER BY key_nid), array_agg(event_nid ORDER BY key_nid)
    FROM (
      SELECT *, (row_number() OVER (PARTITION BY room_nid, state_nid ORDER BY key_nid) - 1) / 256 AS run
      FROM (
        SELECT DISTINCT ON (room_nid, state_nid, key_nid) l.room_nid, stride.state_nid, l.key_nid, l.event_nid
        FROM line l CROSS JOIN (SELECT (8 ^ n)::bigint AS span FROM generate_series(1, 10) AS n) AS spans
        JOIN line stride ON stride.room_nid = l.room_nid AND stride.span = spans.span
          AND stride.generation = (l.generation + spans.span - 1) / spans.span * spans.span
        WHERE l.generation > 0
        ORDER BY room_nid, state_nid, key_nid, l.generation DESC
      ) AS latest
    ) AS runs
    GROUP BY room_nid, state_nid, run;
`;
