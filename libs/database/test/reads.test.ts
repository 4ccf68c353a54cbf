import { Metrics } from '@ganglion/telemetry';
import { eventually } from '../../testing/src/eventually.js';
import { type ReplicatedPostgres, startReplicatedPostgres } from '../../testing/src/replicated-postgres.js';
import { Database, type DatabaseOptions, isTimeout, type Queryable } from '../src/index.js';
import { StallingProxy } from './stalling-proxy.js';
import { recordingLogger } from './support.js';

let servers: ReplicatedPostgres;
let open: { close(): Promise<void> }[];
let metrics: Metrics;
let log: ReturnType<typeof recordingLogger>;

beforeAll(async () => {
  servers = await startReplicatedPostgres();
}, 120_000);
afterAll(() => servers.stop());
beforeEach(async () => {
  open = [];
  metrics = new Metrics();
  log = recordingLogger();
  const primary = await connect({ readUrls: [] });
  await primary.query({ text: 'DROP TABLE IF EXISTS appender' });
  await primary.query({ text: 'CREATE TABLE appender AS SELECT 1 AS position' });
});
afterEach(async () => {
  await Promise.all(open.map((each) => each.close()));
});

async function connect(options: Partial<DatabaseOptions> = {}): Promise<Database> {
  const db = await Database.connect({
    url: servers.url,
    readUrls: [servers.replica.url],
    max: 4,
    applicationName: 'test',
    slowStatementMs: 60_000,
    logger: log.logger,
    metrics,
    ...options,
  });
  open.push(db);
  return db;
}

async function proxyBefore(url: string): Promise<StallingProxy> {
  const proxy = await StallingProxy.before(url);
  open.push(proxy);
  return proxy;
}

const WHERE = { name: 'where', text: 'SELECT pg_is_in_recovery() AS replica' };
const POSITION = { name: 'position', text: 'SELECT position, pg_is_in_recovery() AS replica FROM appender' };
type Position = { position: number; replica: boolean };

async function isReplica(on: Queryable): Promise<boolean> {
  return (await on.query<{ replica: boolean }>(WHERE)).rows[0]!.replica;
}

const untilRead = (db: Database, replica: boolean) =>
  eventually(async () => expect(await isReplica(db.read)).toBe(replica), 25_000);

const move = (db: Database, to: number) =>
  db.query({ text: 'UPDATE appender SET position = $1 RETURNING 1', values: [to] });

const positionOf = async (on: Queryable) => (await on.query<Position>(POSITION)).rows[0]!.position;

/** Until the replica has this position, and then it gets nothing newer. */
async function pausedAt(db: Database, position: number): Promise<void> {
  await move(db, position);
  await untilRead(db, true);
  await eventually(async () => expect(await positionOf(db.read)).toBe(position));
  await servers.replica.pause();
}

const count = async (outcome: string) =>
  Number(
    new RegExp(`ganglion_database_reads_total\\{pool="test",outcome="${outcome}"\\} (\\d+)`).exec(
      await metrics.render(),
    )?.[1] ?? 0,
  );

describe('reads', () => {
  it('are all answered by the primary where there is no replica', async () => {
    const db = await connect({ readUrls: [] });
    expect(await isReplica(db.read)).toBe(false);
    expect(await db.read.snapshot(isReplica)).toBe(false);
    expect(await metrics.render()).not.toContain('ganglion_database_reads_total');
  });

  it('are answered by a replica, and writes are not', async () => {
    const db = await connect();
    await untilRead(db, true);
    expect(await db.read.snapshot(isReplica)).toBe(true);
    expect(await isReplica(db)).toBe(false);
    expect(await count('replica')).toBeGreaterThanOrEqual(2);
    expect(await metrics.render()).toContain('ganglion_database_replicas_usable{pool="test"} 1');
  });

  it('cannot write on a replica, nor in a snapshot of the primary', async () => {
    for (const readUrls of [[], [servers.replica.url]]) {
      const db = await connect({ readUrls });
      if (readUrls.length > 0) await untilRead(db, true);
      const writing = db.read.snapshot((tx) => tx.query({ text: 'UPDATE appender SET position = 7' }));
      await expect(writing).rejects.toMatchObject({ code: '25006' });
    }
  });

  it('are told apart from what a timeout ends: the primary would take as long', async () => {
    const db = await connect({ statementTimeoutMs: 200 });
    await untilRead(db, true);
    const error = await db.read.query({ text: 'SELECT pg_sleep(20)' }).catch((failure: unknown) => failure);
    expect(isTimeout(error)).toBe(true);
    expect(await count('failed')).toBe(0);
  });

  it('of what the replica does not know yet, such as a new table, are answered by the primary', async () => {
    const db = await connect();
    await pausedAt(db, 2);
    await db.query({ text: 'CREATE TABLE made_meanwhile AS SELECT 1 AS n' });
    expect((await db.read.query({ text: 'SELECT n FROM made_meanwhile' })).rows).toEqual([{ n: 1 }]);
    expect(await count('failed')).toBe(1);
    await servers.replica.resume();
    await db.query({ text: 'DROP TABLE made_meanwhile' });
  });
});

describe('who asks for something new', () => {
  afterEach(() => servers.replica.resume());

  it('never gets the older answer of a replica that is behind', async () => {
    const db = await connect();
    await pausedAt(db, 2);
    await move(db, 3);
    const atLeast = (position: number) =>
      db.read.query<Position>(POSITION, ({ rows }) => rows[0]!.position >= position).then(({ rows }) => rows[0]);
    expect(await atLeast(2)).toEqual({ position: 2, replica: true });
    expect(await atLeast(3)).toEqual({ position: 3, replica: false });
    expect(await count('behind')).toBe(1);
    // A position from before the database was restored: the primary's answer stands.
    expect(await atLeast(1_000)).toEqual({ position: 3, replica: false });
  });

  it('gets a snapshot that is new enough, of a replica or of the primary', async () => {
    const db = await connect();
    await pausedAt(db, 5);
    await move(db, 6);
    const seen = async (position: number) =>
      db.read.snapshot(
        async (tx) => ({ position: await positionOf(tx), replica: await isReplica(tx) }),
        async (tx) => (await positionOf(tx)) >= position,
      );
    expect(await seen(5)).toEqual({ position: 5, replica: true });
    expect(await seen(6)).toEqual({ position: 6, replica: false });
  });

  it('reads one state in a snapshot, whatever is committed and replayed meanwhile', async () => {
    const db = await connect();
    await move(db, 10);
    await untilRead(db, true);
    const positions = await db.read.snapshot(
      async (tx) => {
        const before = await positionOf(tx);
        await move(db, 11);
        await eventually(async () => expect(await positionOf(db.read)).toBe(11));
        return [before, await positionOf(tx), await isReplica(tx)];
      },
      async (tx) => (await positionOf(tx)) >= 10,
    );
    expect(positions).toEqual([10, 10, true]);
  });

  it('gets the error of their own function, which is not run again', async () => {
    const db = await connect();
    await untilRead(db, true);
    let runs = 0;
    const refused = db.read.snapshot(async () => {
      runs++;
      throw new Error('no such room');
    });
    await expect(refused).rejects.toThrow('no such room');
    expect(runs).toBe(1);
  });
});

describe('a replica', () => {
  it('that is too far behind is not asked until it has caught up', async () => {
    const db = await connect({ readMaxLagMs: 1_500 });
    await pausedAt(db, 2);
    const writing = setInterval(() => void move(db, 3).catch(() => {}), 50);
    await untilRead(db, false);
    expect(log.lines.at(-1)?.msg).toMatch(/^replica 1 at 127\.0\.0\.1:\d+ is too far behind/);
    await servers.replica.resume();
    await untilRead(db, true);
    clearInterval(writing);
  });

  it('that stops costs no read, and is asked again when it is back', async () => {
    const db = await connect();
    await untilRead(db, true);
    let reading = true;
    const answers = new Set<boolean>();
    const readers = Array.from({ length: 4 }, async () => {
      while (reading) answers.add(await isReplica(db.read));
    });
    await servers.replica.stop();
    await eventually(() => expect(log.text()).toContain('does not answer; the primary is read instead'));
    answers.clear();
    await eventually(() => expect(answers).toEqual(new Set([false])));
    await servers.replica.start();
    await eventually(() => expect(answers).toContain(true), 25_000);
    reading = false;
    await Promise.all(readers);
    expect(log.text()).not.toContain(new URL(servers.url).password);
  });

  it('that vanishes without a word keeps nobody waiting', async () => {
    const proxy = await proxyBefore(servers.replica.url);
    const db = await connect({ readUrls: [proxy.url] });
    await untilRead(db, true);
    proxy.stall();
    expect(await Promise.all([isReplica(db.read), db.read.snapshot(isReplica)])).toEqual([false, false]);
    expect(await count('failed')).toBe(2);
    // More than there are connections, none of which may be waited for.
    const many = await Promise.all(Array.from({ length: 20 }, () => isReplica(db.read)));
    expect(many).not.toContain(true);
    expect(await count('unavailable')).toBeGreaterThanOrEqual(20);
    proxy.goOn();
    await untilRead(db, true);
  });

  it('that is cut off in the middle of a snapshot is followed by the primary, from the beginning', async () => {
    const proxy = await proxyBefore(servers.replica.url);
    const db = await connect({ readUrls: [proxy.url] });
    await untilRead(db, true);
    const where: boolean[] = [];
    await db.read.snapshot(async (tx) => {
      where.push(await isReplica(tx));
      if (where.length === 1) proxy.stall();
      where.push(await isReplica(tx));
    });
    expect(where).toEqual([true, false, false]);
  });

  it('is read on while the primary does not answer', async () => {
    const proxy = await proxyBefore(servers.url);
    const db = await connect({ url: proxy.url, readMaxLagMs: 500 });
    await untilRead(db, true);
    proxy.stall();
    const end = performance.now() + 4_000;
    while (performance.now() < end) expect(await isReplica(db.read)).toBe(true);
    proxy.goOn();
  });

  it('is one of several, which take turns; the others go on without one that stops', async () => {
    const [one, other] = [await proxyBefore(servers.replica.url), await proxyBefore(servers.replica.url)];
    const db = await connect({ readUrls: [one.url, other.url] });
    await eventually(async () => {
      await isReplica(db.read);
      expect(await metrics.render()).toContain('ganglion_database_replicas_usable{pool="test"} 2');
    }, 25_000);
    const port = 'SELECT inet_server_port() AS port, pg_backend_pid() AS pid';
    const pids = await Promise.all([1, 2, 3, 4].map(() => db.read.query<{ pid: number }>({ text: port })));
    expect(new Set(pids.map(({ rows }) => rows[0]!.pid)).size).toBeGreaterThanOrEqual(2);
    one.stall();
    await eventually(async () => {
      await isReplica(db.read);
      expect(await metrics.render()).toContain('ganglion_database_replicas_usable{pool="test"} 1');
    }, 25_000);
    expect(await Promise.all([1, 2, 3, 4].map(() => isReplica(db.read)))).toEqual([true, true, true, true]);
  });

  it('is left alone by a process that reads nothing', async () => {
    const db = await connect({ applicationName: 'quiet' });
    await untilRead(db, true);
    const text = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'quiet probe'";
    const watching = await connect({ url: servers.replica.url, readUrls: [] });
    expect((await watching.query({ text })).rows).toHaveLength(1);
    await eventually(async () => expect((await watching.query({ text })).rows).toEqual([]));
    await db.close();
    const all = "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'quiet%'";
    expect((await watching.query({ text: all })).rows).toEqual([]);
  });

  // The last one: from then on there is no replica.
  it('that was promoted, and goes its own way, is not asked', async () => {
    const db = await connect();
    await untilRead(db, true);
    await servers.replica.promote();
    await untilRead(db, false);
    const lost = await connect({ url: servers.replica.url, readUrls: [] });
    await move(lost, 99);
    await eventually(() => expect(log.text()).toContain('is no replica; the primary is read instead'));
    for (let i = 0; i < 5; i++) expect(await positionOf(db.read)).toBe(1);
  });
});
