import { type Database, rowsOf, sql, statement } from '@ganglion/database';
import type {
  BackfilledRoom,
  Match,
  SearchKey,
  SearchModel,
  SearchProgress,
  SearchRequest,
  SearchRow,
  SearchStep,
  UnreadPlace,
} from '../domain/ports/search-model.js';
import { PLACE_FOR_ALL, type PlaceRow, placeOf } from './place-rows.js';

/** The words of events. What was there before is read in the background. */
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

const KEYS: readonly SearchKey[] = ['content.body', 'content.name', 'content.topic'];
/** Of common words no more matches than these are looked at, the latest. */
const MOST_MATCHES = 10_000;

const ROW = { room_nid: 'bigint', position: 'bigint', event_nid: 'bigint', key: 'smallint', words: 'text' } as const;

interface Rows {
  readonly rows: readonly SearchRow[];
}

const addWords = statement(
  'add-search-words',
  sql<Rows>`
  INSERT INTO sync.search (room_nid, position, event_nid, key, words)
  SELECT w.room_nid, w.position, w.event_nid, w.key, to_tsvector('simple', w.words)
  FROM (${rowsOf('w', ROW, ({ rows }: Rows) => rows.map(rowOf))}) AS w
  ON CONFLICT (room_nid, position) DO NOTHING`,
);

const forget = statement(
  'forget-search-words',
  sql<Pick<SearchStep, 'redacted'>>`
  DELETE FROM sync.search s
  USING (${rowsOf('r', { room_nid: 'bigint', event_nid: 'bigint' }, ({ redacted }: Pick<SearchStep, 'redacted'>) =>
    redacted.map(({ roomNid, eventNid }) => ({ room_nid: roomNid, event_nid: eventNid })),
  )}) AS r WHERE s.room_nid = r.room_nid AND s.event_nid = r.event_nid`,
);

/** Ranked among the latest matches; the place comes with each, as do what our users were at it. */
const matching = statement(
  'search',
  sql<SearchRequest>`
  WITH asked AS (SELECT websearch_to_tsquery('simple', ${({ term }) => term}) AS query),
  found AS MATERIALIZED (
    SELECT s.room_nid, s.position, s.words FROM sync.search s, asked
    WHERE s.words @@ asked.query AND s.room_nid = ANY(${({ roomNids }) => roomNids}::bigint[])
      AND s.key = ANY(${({ keys }) => keys.map((key) => KEYS.indexOf(key))}::smallint[])
      AND s.position <= ${({ upTo }) => upTo}
    ORDER BY s.position DESC LIMIT ${() => MOST_MATCHES}),
  ranked AS (
    SELECT f.room_nid, f.position, ts_rank_cd(f.words, asked.query)::float8 AS rank
    FROM found f, asked
    ORDER BY CASE WHEN ${({ orderBy }) => orderBy === 'rank'}::boolean THEN ts_rank_cd(f.words, asked.query) END DESC, f.position DESC
    LIMIT ${({ limit }) => limit} OFFSET ${({ offset }) => offset})
  SELECT ${PLACE_FOR_ALL}, ranked.rank FROM ranked
  JOIN sync.timeline t ON t.room_nid = ranked.room_nid AND t.position = ranked.position
  ORDER BY CASE WHEN ${({ orderBy }) => orderBy === 'rank'}::boolean THEN ranked.rank END DESC, ranked.position DESC`,
);

const UNREAD = `t.room_nid AS nid, r.room_id AS "roomId", r.room_version AS "roomVersion", t.position,
  t.event_nid AS "eventNid", t.redacts_nid AS "redactsNid"
  FROM sync.timeline t JOIN sync.rooms r ON r.room_nid = t.room_nid`;

/** The words of events in PostgreSQL. */
export class SearchStore implements SearchModel {
  constructor(private readonly db: Database) {}

  async progress(): Promise<SearchProgress> {
    const text = 'SELECT up_to AS "upTo", down_to AS "downTo" FROM sync.search_progress';
    const { rows } = await this.db.query<SearchProgress & Record<string, unknown>>({ name: 'search-progress', text });
    return rows[0] ?? { upTo: 0, downTo: 0 };
  }

  async above(position: number, upTo: number, limit: number): Promise<UnreadPlace[]> {
    const text = `SELECT ${UNREAD} WHERE t.position > $1 AND t.position <= $2 ORDER BY t.position LIMIT $3`;
    return this.#unread('unread-above', text, [position, upTo, limit]);
  }

  async below(position: number, limit: number): Promise<UnreadPlace[]> {
    const text = `SELECT ${UNREAD} WHERE t.position > 0 AND t.position <= $1 ORDER BY t.position DESC LIMIT $2`;
    return this.#unread('unread-below', text, [position, limit]);
  }

  async take({ rows, redacted, from, to }: SearchStep): Promise<void> {
    await this.db.transaction(async (tx) => {
      const { rowCount } = await tx.query({
        name: 'take-search-step',
        text: 'UPDATE sync.search_progress SET up_to = $3, down_to = $4 WHERE up_to = $1 AND down_to = $2',
        values: [from.upTo, from.downTo, to.upTo, to.downTo],
      });
      if (rowCount === 0) return;
      if (rows.length > 0) await tx.query(addWords({ rows }));
      if (redacted.length > 0) await tx.query(forget({ redacted }));
    });
  }

  async backfilledRooms(limit: number): Promise<BackfilledRoom[]> {
    const { rows } = await this.db.query<BackfilledRoom & Record<string, unknown>>({
      name: 'unread-backfilled-rooms',
      text: `SELECT r.room_nid AS nid, r.room_id AS "roomId", r.room_version AS "roomVersion", coalesce(s.down_to, 0) AS below
        FROM sync.rooms r LEFT JOIN sync.searched_rooms s ON s.room_nid = r.room_nid
        WHERE r.back_seq < 0 AND EXISTS (
          SELECT FROM sync.timeline t WHERE t.room_nid = r.room_nid AND t.position < coalesce(s.down_to, 0)) LIMIT $1`,
      values: [limit],
    });
    return rows;
  }

  async backfilled(roomNid: number, below: number, limit: number): Promise<UnreadPlace[]> {
    const text = `SELECT ${UNREAD} WHERE t.room_nid = $1 AND t.position < $2 ORDER BY t.position DESC LIMIT $3`;
    return this.#unread('unread-backfilled', text, [roomNid, below, limit]);
  }

  async takeBackfilled(roomNid: number, downTo: number, rows: readonly SearchRow[]): Promise<void> {
    await this.db.transaction(async (tx) => {
      await tx.query({
        name: 'take-backfilled-step',
        text: `INSERT INTO sync.searched_rooms AS known (room_nid, down_to) VALUES ($1, $2)
          ON CONFLICT (room_nid) DO UPDATE SET down_to = least(known.down_to, excluded.down_to)`,
        values: [roomNid, downTo],
      });
      if (rows.length > 0) await tx.query(addWords({ rows }));
    });
  }

  async unencrypted(roomNids: readonly number[]): Promise<number[]> {
    const { rows } = await this.db.query<{ room_nid: number }>({
      name: 'unencrypted-rooms',
      text: `SELECT room_nid FROM unnest($1::bigint[]) AS asked(room_nid) WHERE NOT EXISTS (
          SELECT FROM sync.state_keys k
          WHERE k.room_nid = asked.room_nid AND k.type = 'm.room.encryption' AND k.state_key = '')`,
      values: [roomNids],
    });
    return rows.map(({ room_nid }) => room_nid);
  }

  async search(request: SearchRequest): Promise<Match[]> {
    const { rows } = await this.db.query<PlaceRow & { rank: number }>(matching(request));
    return rows.map((row) => ({ place: placeOf(row), rank: row.rank }));
  }

  async #unread(name: string, text: string, values: readonly number[]): Promise<UnreadPlace[]> {
    type Row = Omit<UnreadPlace, 'redactsNid'> & { redactsNid: number | null } & Record<string, unknown>;
    const { rows } = await this.db.query<Row>({ name, text, values });
    return rows.map((row) => ({ ...row, redactsNid: row.redactsNid ?? undefined }));
  }
}

function rowOf({ roomNid, position, eventNid, key, words }: SearchRow) {
  return { room_nid: roomNid, position, event_nid: eventNid, key: KEYS.indexOf(key), words };
}
