import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../embedded-postgres/src/index.js';
import { eventually } from '../../testing/src/eventually.js';
import { freePort } from '../../testing/src/free-ports.js';
import { currentMark, type Database, logCursor, markAnew, rowsOf, sql, statement } from '../src/index.js';
import { raw } from '../src/sql.js';
import { Fixture } from './support.js';

/** A log whose rows are marked, with all that its owner does to it. */
function log(type: 'xid8' | 'bigint') {
  const table = `log_${type}`;
  const fragment = raw(table);
  const index = type === 'xid8' ? 'btree' : 'brin';
  const change = sql<readonly string[]>`
    INSERT INTO ${fragment} (id, mark)
    SELECT id, ${currentMark(type)} FROM (${rowsOf('i', { id: 'text' }, (ids) => ids.map((id) => ({ id })))}) AS changed
    ON CONFLICT (id) DO UPDATE SET mark = excluded.mark`;
  const list = sql<{ since: number }>`
    WITH log AS MATERIALIZED (${logCursor(type, (p) => p.since)})
    SELECT log.cursor, l.id FROM log LEFT JOIN ${fragment} l ON l.mark >= (SELECT since FROM log) ORDER BY l.id`;
  return {
    create: async (db: Database) => {
      await db.query({ text: `CREATE TABLE ${table} (id text PRIMARY KEY, mark ${type} NOT NULL)` });
      await db.query({ text: `CREATE INDEX ON ${table} USING ${index} (mark)` });
    },
    change: statement(`change-${type}`, change),
    list: async (db: Database, since: number) => {
      const { rows } = await db.query<{ cursor: number; id: string | null }>(
        statement(`list-${type}`, list)({ since }),
      );
      return { cursor: rows[0]!.cursor, ids: rows.flatMap(({ id }) => id ?? []) };
    },
    markAnew: (db: Database) => markAnew(db, { table, column: 'mark', type }),
    /** What pg_dump and psql do: the rows as they are, in another database. */
    restore: async (from: Database, to: Database) => {
      const text = `SELECT id, mark::text::bigint AS mark FROM ${table}`;
      const { rows } = await from.query<{ id: string; mark: number }>({ text });
      const copy = sql<typeof rows>`
        INSERT INTO ${fragment} SELECT id, ${raw(`mark::text::${type}`)}
        FROM (${rowsOf('i', { id: 'text', mark: 'bigint' }, (copied) => copied)}) AS copied`;
      await to.query(statement(`copy-${type}`, copy)(rows));
    },
  };
}

const LOGS = (['xid8', 'bigint'] as const).map((type) => [type, log(type)] as const);

let fixture: Fixture;
let db: Database;

beforeEach(async () => {
  fixture = await Fixture.create();
  db = await fixture.connect();
});
afterEach(() => fixture.end());

describe.each(LOGS)('a log with marks of type %s', (type, log) => {
  beforeEach(() => log.create(db));

  it('tells a new consumer everything, and from its cursor on what has changed since', async () => {
    await db.query(log.change(['a', 'b']));
    const first = await log.list(db, 0);
    expect(first.ids).toEqual(['a', 'b']);
    // A cursor stays behind while any transaction of the database server is open, be it of another test.
    const quiet = await eventually(async () => {
      const page = await log.list(db, (await log.list(db, first.cursor)).cursor);
      expect(page.ids).toEqual([]);
      return page;
    }, 60_000);
    await db.query(log.change(['b', 'c']));
    expect((await log.list(db, quiet.cursor)).ids).toEqual(['b', 'c']);
  }, 90_000);

  it('never misses what was begun before the cursor and committed after it', async () => {
    const begun = Promise.withResolvers<void>();
    const commit = Promise.withResolvers<void>();
    const late = db.transaction(async (tx) => {
      await tx.query(log.change(['late']));
      begun.resolve();
      await commit.promise;
    });
    await begun.promise;
    for (const id of ['a', 'b', 'c']) await db.query(log.change([id]));
    const { cursor, ids } = await log.list(db, 0);
    expect(ids).toEqual(['a', 'b', 'c']);
    commit.resolve();
    await late;
    expect((await log.list(db, cursor)).ids).toContain('late');
  });

  it.each([Number.MAX_SAFE_INTEGER, -1])('tells everything for %d, which it cannot have given', async (cursor) => {
    await db.query(log.change(['a', 'b']));
    expect((await log.list(db, cursor)).ids).toEqual(['a', 'b']);
  });

  it('is left as it is while nothing was restored', async () => {
    await db.query(log.change(['a']));
    const marks = async () => (await db.query({ text: `SELECT * FROM log_${type}` })).rows;
    const before = await marks();
    await log.markAnew(db);
    expect(await marks()).toEqual(before);
    expect(fixture.log.text()).not.toContain('restored');
  });
});

describe.each(LOGS)('a log with marks of type %s, restored into another PostgreSQL', (type, log) => {
  let folder: string;
  let server: EmbeddedPostgres;
  let restored: Database;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ganglion-restored-'));
    server = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), port: await freePort() });
  }, 120_000);
  beforeEach(async () => {
    restored = await fixture.connect({ url: server.url, applicationName: 'restored' });
    await restored.query({ text: `DROP TABLE IF EXISTS log_${type}` });
    await log.create(db);
    await log.create(restored);
    // The server that is lost has seen many more transactions.
    await db.query({
      text: 'DO $$ BEGIN FOR i IN 1..3000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$',
    });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('tells a consumer that has followed it before everything, and then again what changes', async () => {
    await db.query(log.change(['a', 'b']));
    const { cursor } = await log.list(db, 0);
    await log.restore(db, restored);
    await restored.query(log.change(['c']));
    const anew = await log.list(restored, cursor);
    expect(anew.ids).toEqual(['a', 'b', 'c']);
    expect(anew.cursor).toBeLessThan(cursor);
    await restored.query(log.change(['d']));
    expect((await log.list(restored, anew.cursor)).ids).toContain('d');
  });

  it('does not tell everything for ever, once its owner has started', async () => {
    const ids = Array.from({ length: 25_000 }, (_, i) => `room ${i}`);
    await db.query(log.change(ids));
    await log.restore(db, restored);
    const lasting = await log.list(restored, (await log.list(restored, 0)).cursor);
    expect(lasting.ids).toHaveLength(ids.length);
    // Two replicas start at once, while somebody changes a row.
    const changed = Promise.withResolvers<void>();
    const starting = Promise.withResolvers<void>();
    const changing = restored.transaction(async (tx) => {
      await tx.query(log.change(['room 7']));
      changed.resolve();
      await starting.promise;
    });
    await changed.promise;
    await Promise.all([log.markAnew(restored), log.markAnew(restored)]);
    starting.resolve();
    await changing;
    const after = await log.list(restored, lasting.cursor);
    expect(after.ids).toHaveLength(ids.length);
    let { cursor } = after;
    // It stays behind while PostgreSQL analyses the table.
    await eventually(async () => {
      const page = await log.list(restored, cursor);
      ({ cursor } = page);
      expect(page.ids).toEqual([]);
    });
    expect(fixture.log.lines.at(-1)).toMatchObject({ table: `log_${type}`, level: 'warn' });
  }, 60_000);
});
