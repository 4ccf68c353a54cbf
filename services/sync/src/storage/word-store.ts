import { type Database, rowsOf, sql, statement } from '@ganglion/database';
import type {
  BackfilledRoom,
  SearchProgress,
  SearchStep,
  UnreadPlace,
  WordModel,
  WordsRow,
} from '../domain/ports/word-model.js';
import { IS_WORDLESS } from './event-flags.js';
import { keyNumber } from './search-keys.js';
import { MARKS } from './word-marks.js';

const ROW = {
  room_nid: 'bigint',
  position: 'bigint',
  event_nid: 'bigint',
  key: 'smallint',
  edit_nid: 'bigint',
  sender: 'text',
  words: 'text',
} as const;

interface Rows {
  readonly rows: readonly WordsRow[];
}

/** Of what was purged none are added: whoever adds and whoever purges wait for each other at the row of the progress. */
const addWords = statement(
  'add-words',
  sql<Rows>`
  INSERT INTO sync.words (room_nid, position, event_nid, key, edit_nid, words)
  SELECT w.room_nid, w.position, w.event_nid, w.key, w.edit_nid, to_tsvector('simple', w.words) || ${MARKS}
  FROM (${rowsOf('w', ROW, ({ rows }: Rows) => rows.map(rowOf))}) AS w
  JOIN sync.timeline t ON t.room_nid = w.room_nid AND t.position = w.position
  ON CONFLICT (room_nid, position) DO UPDATE
    SET key = excluded.key, edit_nid = excluded.edit_nid, words = excluded.words`,
);

type Redacted = Pick<SearchStep, 'redacted'>;

const REDACTED = rowsOf('r', { room_nid: 'bigint', event_nid: 'bigint' }, ({ redacted }: Redacted) =>
  redacted.map(({ roomNid, eventNid }) => ({ room_nid: roomNid, event_nid: eventNid })),
);

const forget = statement(
  'forget-words',
  sql<Redacted>`
  DELETE FROM sync.words s USING (${REDACTED}) AS r WHERE s.room_nid = r.room_nid AND s.event_nid = r.event_nid`,
);

const UNREAD = `SELECT t.room_nid AS nid, r.room_id AS "roomId", r.room_version AS "roomVersion", t.position,
  t.event_nid AS "eventNid", t.redacts_nid AS "redactsNid", r.relations_position AS "relationsPosition"
  FROM sync.timeline t JOIN sync.rooms r ON r.room_nid = t.room_nid`;

/** What may have words, or takes those of another event away. */
const MAY_MATTER = `(t.flags & ${IS_WORDLESS} = 0 OR t.redacts_nid IS NOT NULL)`;

type UnreadRow = Omit<UnreadPlace, 'redactsNid'> & { redactsNid: number | null } & Record<string, unknown>;

/** The words of events in PostgreSQL, as they are written. */
export class WordStore implements WordModel {
  constructor(private readonly db: Database) {}

  async progress(): Promise<SearchProgress> {
    const text = 'SELECT up_to AS "upTo", down_to AS "downTo" FROM sync.words_progress';
    const { rows } = await this.db.query<SearchProgress & Record<string, unknown>>({ name: 'words-progress', text });
    return rows[0] ?? { upTo: 0, downTo: 0 };
  }

  async above(position: number, upTo: number, limit: number): Promise<UnreadPlace[]> {
    const text = `${UNREAD} WHERE t.position > $1 AND t.position <= $2 AND ${MAY_MATTER} ORDER BY t.position LIMIT $3`;
    return this.#unread('unread-above', text, [position, upTo, limit]);
  }

  async below(position: number, limit: number): Promise<UnreadPlace[]> {
    const text = `${UNREAD} WHERE t.position > 0 AND t.position <= $1 ORDER BY t.position DESC LIMIT $2`;
    return this.#unread('unread-below', text, [position, limit]);
  }

  async placesOf(roomNid: number, eventNids: readonly number[]): Promise<UnreadPlace[]> {
    const text = `${UNREAD} WHERE t.room_nid = $1 AND t.event_nid = ANY($2::bigint[])`;
    return this.#unread('unread-of', text, [roomNid, eventNids]);
  }

  async edited(redacted: Redacted['redacted']): Promise<UnreadPlace[]> {
    if (redacted.length === 0) return [];
    const text = `${UNREAD} JOIN sync.words s ON s.room_nid = t.room_nid AND s.position = t.position
      JOIN unnest($1::bigint[], $2::bigint[]) AS gone(room_nid, edit_nid)
        ON s.room_nid = gone.room_nid AND s.edit_nid = gone.edit_nid`;
    const values = [redacted.map(({ roomNid }) => roomNid), redacted.map(({ eventNid }) => eventNid)];
    return this.#unread('unread-edited', text, values);
  }

  async take({ rows, redacted, from, to }: SearchStep): Promise<void> {
    await this.db.transaction(async (tx) => {
      const { rowCount } = await tx.query({
        name: 'take-words-step',
        text: 'UPDATE sync.words_progress SET up_to = $3, down_to = $4 WHERE up_to = $1 AND down_to = $2',
        values: [from.upTo, from.downTo, to.upTo, to.downTo],
      });
      if (rowCount === 0) return;
      if (redacted.length > 0) await tx.query(forget({ redacted }));
      if (rows.length > 0) await tx.query(addWords({ rows }));
    });
  }

  async backfilledRooms(limit: number): Promise<BackfilledRoom[]> {
    const { rows } = await this.db.query<BackfilledRoom & Record<string, unknown>>({
      name: 'unread-backfilled-rooms',
      text: `SELECT r.room_nid AS nid, r.room_id AS "roomId", r.room_version AS "roomVersion",
          coalesce(s.down_to, 0) AS below, r.back_seq AS "backSeq"
        FROM sync.rooms r LEFT JOIN sync.words_of_rooms s ON s.room_nid = r.room_nid
        WHERE r.back_seq < 0 AND r.back_seq < coalesce(s.down_to, 0) LIMIT $1`,
      values: [limit],
    });
    return rows;
  }

  async backfilled(roomNid: number, below: number, limit: number): Promise<UnreadPlace[]> {
    const text = `${UNREAD} WHERE t.room_nid = $1 AND t.position < $2 ORDER BY t.position DESC LIMIT $3`;
    return this.#unread('unread-backfilled', text, [roomNid, below, limit]);
  }

  async takeBackfilled(roomNid: number, downTo: number, rows: readonly WordsRow[]): Promise<void> {
    await this.db.transaction(async (tx) => {
      await tx.query({ name: 'share-words', text: 'SELECT FROM sync.words_progress FOR SHARE' });
      await tx.query({
        name: 'take-backfilled-step',
        text: `INSERT INTO sync.words_of_rooms AS known (room_nid, down_to) VALUES ($1, $2)
          ON CONFLICT (room_nid) DO UPDATE SET down_to = least(known.down_to, excluded.down_to)`,
        values: [roomNid, downTo],
      });
      if (rows.length > 0) await tx.query(addWords({ rows }));
    });
  }

  async #unread(name: string, text: string, values: readonly unknown[]): Promise<UnreadPlace[]> {
    return (await this.db.query<UnreadRow>({ name, text, values })).rows.map(placeOf);
  }
}

function placeOf({ redactsNid, ...place }: UnreadRow): UnreadPlace {
  return { ...place, redactsNid: redactsNid ?? undefined };
}

function rowOf({ roomNid, position, eventNid, key, editNid, sender, words }: WordsRow) {
  const names = { room_nid: roomNid, position, event_nid: eventNid, edit_nid: editNid };
  return { ...names, key: keyNumber(key), sender, words };
}
