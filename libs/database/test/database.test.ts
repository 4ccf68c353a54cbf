import { setTimeout as sleep } from 'node:timers/promises';
import { eq } from 'drizzle-orm';
import { bigint, pgTable, text } from 'drizzle-orm/pg-core';
import { Database, isConnectionError, isUniqueViolation } from '../src/index.js';
import { Fixture } from './support.js';

let fixture: Fixture;

beforeEach(async () => {
  fixture = await Fixture.create();
});
afterEach(() => fixture.end());

describe('statements', () => {
  it('prepares a named statement once per connection', async () => {
    const db = await fixture.connect({ max: 1 });
    for (const n of [1, 2, 3]) {
      const { rows } = await db.query({ name: 'add-one', text: 'SELECT $1::int + 1 AS n', values: [n] });
      expect(rows).toEqual([{ n: n + 1 }]);
    }
    const { rows } = await db.query({ text: "SELECT name FROM pg_prepared_statements WHERE name = 'add-one'" });
    expect(rows).toHaveLength(1);
  });

  it('gives bigint as a number while that is exact, alone and in arrays', async () => {
    const db = await fixture.connect();
    const { rows } = await db.query({
      text: "SELECT 7::bigint AS small, 9007199254740993::bigint AS large, '{1,NULL,-3}'::bigint[] AS many, count(*) AS count FROM pg_class",
    });
    expect(rows[0]).toMatchObject({ small: 7, large: 9007199254740993n, many: [1, null, -3] });
    expect(typeof rows[0]?.count).toBe('number');
  });

  it('leaves the type parsers of other pools alone', async () => {
    await fixture.connect();
    const { default: pg } = await import('pg');
    const client = new pg.Client(fixture.url);
    await client.connect();
    const { rows } = await client.query('SELECT 7::bigint AS n');
    await client.end();
    expect(rows).toEqual([{ n: '7' }]);
  });

  it('answers through drizzle on the same connections', async () => {
    const db = await fixture.connect({ max: 1 });
    const rooms = pgTable('rooms', { id: text('id').primaryKey(), seq: bigint('seq', { mode: 'number' }) });
    await db.query({ text: 'CREATE TABLE rooms (id text PRIMARY KEY, seq bigint)' });
    await db.drizzle.insert(rooms).values({ id: '!a', seq: 12 });
    expect(await db.drizzle.select().from(rooms).where(eq(rooms.id, '!a'))).toEqual([{ id: '!a', seq: 12 }]);
    const duplicate = await db.drizzle
      .insert(rooms)
      .values({ id: '!a', seq: 1 })
      .catch((error: unknown) => error);
    expect(isUniqueViolation(duplicate, 'rooms_pkey')).toBe(true);
  });

  it('tells which constraint a row would have broken', async () => {
    const db = await fixture.connect();
    await db.query({ text: 'CREATE TABLE t (a int CONSTRAINT only_a UNIQUE)' });
    const insert = () => db.query({ text: 'INSERT INTO t VALUES (1)' });
    await insert();
    const error = await insert().catch((failure: unknown) => failure);
    expect(isUniqueViolation(error)).toBe(true);
    expect(isUniqueViolation(error, 'only_a')).toBe(true);
    expect(isUniqueViolation(error, 'another')).toBe(false);
    expect(isConnectionError(error)).toBe(false);
  });
});

describe('slow statements', () => {
  const secret = 'what somebody wrote';

  it('are logged with their name and time and without their values', async () => {
    const db = await fixture.connect({ slowStatementMs: 150 });
    await db.query({ name: 'sleepy', text: 'SELECT pg_sleep(0.2), $1::text', values: [secret] });
    await db.query({ text: `SELECT pg_sleep(0.2),\n '${secret}' AS content, $1::int`, values: [5] });
    await db.transaction((tx) => tx.query({ name: 'sleepy-too', text: 'SELECT pg_sleep(0.2)' }));
    await db.drizzle.execute(`SELECT pg_sleep(0.2), '${secret}', 'through drizzle'`);
    await db.query({ text: 'SELECT 1' });
    const slow = fixture.log.lines.filter(({ msg }) => msg === 'slow statement');
    expect(slow.map(({ statement }) => statement)).toEqual([
      'sleepy',
      'SELECT pg_sleep(?), ? AS content, $1::int',
      'sleepy-too',
      'SELECT pg_sleep(?), ?, ?',
    ]);
    for (const { ms } of slow) expect(ms).toBeGreaterThanOrEqual(150);
    expect(fixture.log.text()).not.toContain(secret);
    expect(await fixture.metrics.render()).toContain('ganglion_database_slow_statements_total{pool="test"} 4');
  });

  it('are logged also when they fail', async () => {
    const db = await fixture.connect({ slowStatementMs: 150 });
    const text = "DO $$ BEGIN PERFORM pg_sleep(0.2); RAISE 'out of luck'; END $$";
    await expect(db.query({ name: 'fails-late', text })).rejects.toThrow('out of luck');
    expect(fixture.log.lines.filter(({ statement }) => statement === 'fails-late')).toHaveLength(1);
  });
});

describe('the pool', () => {
  it('measures its connections and how long they were waited for', async () => {
    const db = await fixture.connect({ max: 1, applicationName: 'narrow' });
    const holding = db.query({ text: 'SELECT pg_sleep(0.2)' });
    const waiting = db.query({ text: 'SELECT 1' });
    await sleep(50);
    const during = await fixture.metrics.render();
    expect(during).toContain('ganglion_database_connections_total{pool="narrow"} 1');
    expect(during).toContain('ganglion_database_connections_idle{pool="narrow"} 0');
    expect(during).toContain('ganglion_database_connections_waiting{pool="narrow"} 1');
    await Promise.all([holding, waiting]);
    const after = await fixture.metrics.render();
    expect(after).toMatch(/ganglion_database_acquire_seconds_count\{pool="narrow"\} [2-9]/);
    const waited = /ganglion_database_acquire_seconds_sum\{pool="narrow"\} ([\d.]+)/.exec(after)?.[1];
    expect(Number(waited)).toBeGreaterThan(0.1);
  });

  it('is known to Postgres by its name', async () => {
    const db = await fixture.connect({ applicationName: 'room-server' });
    const { rows } = await db.query({ text: "SELECT current_setting('application_name') AS name" });
    expect(rows).toEqual([{ name: 'room-server' }]);
  });

  it('survives the end of its idle connections and says so', async () => {
    const db = await fixture.connect({ max: 2, applicationName: 'victim' });
    const admin = await fixture.connect({ applicationName: 'admin' });
    await Promise.all([1, 2].map(() => db.query({ text: 'SELECT pg_sleep(0.05)' })));
    await admin.query({
      text: "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'",
    });
    await sleep(100);
    expect(fixture.log.lines.some(({ msg }) => msg === 'an idle database connection broke')).toBe(true);
    expect((await db.query({ text: 'SELECT 1 AS n' })).rows).toEqual([{ n: 1 }]);
  });

  it('reports the loss of a busy connection as such, in a statement and in a transaction', async () => {
    const db = await fixture.connect({ applicationName: 'victim' });
    const admin = await fixture.connect({ applicationName: 'admin' });
    const statement = db.query({ text: 'SELECT pg_sleep(5)' }).catch((error: unknown) => error);
    const transaction = db
      .transaction((tx) => tx.query({ text: 'SELECT pg_sleep(5)' }))
      .catch((error: unknown) => error);
    const victims = "FROM pg_stat_activity WHERE application_name = 'victim' AND query LIKE 'SELECT pg_sleep(5)%'";
    const asleep = async () =>
      (await admin.query<{ n: number }>({ text: `SELECT count(*) AS n ${victims}` })).rows[0]?.n;
    while ((await asleep()) !== 2) await sleep(10);
    await admin.query({ text: `SELECT pg_terminate_backend(pid) ${victims}` });
    expect(isConnectionError(await statement)).toBe(true);
    expect(isConnectionError(await transaction)).toBe(true);
    expect((await db.query({ text: 'SELECT 1 AS n' })).rows).toEqual([{ n: 1 }]);
  });

  it('times out callers that wait too long for a connection', async () => {
    const db = await fixture.connect({ max: 1, acquireTimeoutMs: 100 });
    const holding = db.query({ text: 'SELECT pg_sleep(0.4)' });
    const error = await db.query({ text: 'SELECT 1' }).catch((failure: unknown) => failure);
    expect(isConnectionError(error)).toBe(true);
    await holding;
  });
});

describe('opening and closing', () => {
  it('gives up on a Postgres that is not there, with a connection error as the cause', async () => {
    const options = { max: 1, applicationName: 'test', slowStatementMs: 1_000, connectTimeoutMs: 300 };
    const error = await Database.connect({ ...options, url: 'postgres://127.0.0.1:1/none' }).catch((e: unknown) => e);
    expect(error).toMatchObject({ message: 'cannot connect to the database' });
    expect(isConnectionError(error)).toBe(true);
  });

  it('does not wait for a Postgres that refuses us, and keeps the password out of the error and the log', async () => {
    const url = new URL(fixture.url);
    url.password = 'hunter2-wrong';
    const error = await fixture.connect({ url: url.href }).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ message: 'cannot connect to the database', cause: { code: '28P01' } });
    fixture.log.logger.error({ err: error }, 'start failed');
    expect(fixture.log.text()).not.toContain('hunter2');
  });

  it('lets running and waiting statements finish when it closes, and takes no more', async () => {
    const db = await fixture.connect({ max: 1 });
    const results = [1, 2, 3].map((n) => db.query({ text: 'SELECT pg_sleep(0.05), $1::int AS n', values: [n] }));
    await db.close();
    expect((await Promise.all(results)).map(({ rows }) => rows[0]?.n)).toEqual([1, 2, 3]);
    const late = await db.query({ text: 'SELECT 1' }).catch((error: unknown) => error);
    expect(isConnectionError(late)).toBe(true);
    await db.close();
  });

  it('is closed when its connections are gone, so that Postgres can be stopped next', async () => {
    const [db, other] = await Promise.all([fixture.connect({ applicationName: 'leaving' }), fixture.connect()]);
    await Promise.all([1, 2, 3, 4, 5].map(() => db.query({ text: 'SELECT pg_sleep(0.05)' })));
    const text = "SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = 'leaving'";
    expect((await other.query({ text })).rows).toEqual([{ count: 5 }]);
    await db.close();
    expect((await other.query({ text })).rows).toEqual([{ count: 0 }]);
  });

  it('is healthy while Postgres answers', async () => {
    const db = await fixture.connect({ max: 1 });
    await expect(db.health()).resolves.toBeUndefined();
    await db.close();
    await expect(db.health()).rejects.toThrow();
  });

  it('is not healthy when no connection comes free', async () => {
    const db = await fixture.connect({ max: 1 });
    const holding = db.query({ text: 'SELECT pg_sleep(2.5)' });
    await expect(db.health()).rejects.toThrow('the database does not answer');
    await holding;
  });
});
