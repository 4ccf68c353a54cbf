import {
  type Database,
  isConnectionError,
  isRetryable,
  isTemporary,
  isTimeout,
  migrate,
  UNLIMITED,
} from '../src/index.js';
import { Fixture } from './support.js';

let fixture: Fixture;
let db: Database;

beforeEach(async () => {
  fixture = await Fixture.create();
  db = await fixture.connect();
  await db.query({ text: 'CREATE TABLE rooms (nid int PRIMARY KEY, version int NOT NULL)' });
  await db.query({ text: 'INSERT INTO rooms VALUES (1, 0)' });
});
afterEach(() => fixture.end());

const failure = (run: Promise<unknown>): Promise<unknown> => run.then(() => undefined).catch((error: unknown) => error);
const advance = { text: 'UPDATE rooms SET version = version + 1' };
const version = async () =>
  (await db.query<{ version: number }>({ text: 'SELECT version FROM rooms' })).rows[0]?.version;

/** Holds the lock on the room until told to let go. */
async function holdRoom(): Promise<() => Promise<void>> {
  const locked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const holding = db.transaction(async (tx) => {
    await tx.query({ text: 'SELECT 1 FROM rooms FOR UPDATE' });
    locked.resolve();
    await release.promise;
  });
  await locked.promise;
  return async () => {
    release.resolve();
    await holding;
  };
}

describe('a statement that runs for too long', () => {
  it('is given up, whichever way it was sent, and leaves its connection usable', async () => {
    const hasty = await fixture.connect({ max: 1, statementTimeoutMs: 50 });
    const sleepy = { text: 'SELECT pg_sleep(20)' };
    const errors = [
      await failure(hasty.query(sleepy)),
      await failure(hasty.query({ ...sleepy, name: 'sleepy' })),
      await failure(hasty.transaction((tx) => tx.query(sleepy))),
      await failure(hasty.drizzle.execute(sleepy.text)),
    ];
    expect(errors.map(isTimeout)).toEqual([true, true, true, true]);
    expect((await hasty.query({ text: 'SELECT 1 AS n' })).rows).toEqual([{ n: 1 }]);
  });

  it('has changed nothing, and is not taken for one whose outcome is unknown', async () => {
    const hasty = await fixture.connect({ statementTimeoutMs: 100 });
    const text = 'WITH done AS (UPDATE rooms SET version = version + 1 RETURNING 1) SELECT pg_sleep(20) FROM done';
    const error = await failure(hasty.query({ text }));
    expect([isTimeout, isTemporary, isConnectionError, isRetryable].map((is) => is(error))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(await version()).toBe(0);
  });

  it('undoes its transaction, and the transaction is not run again', async () => {
    const hasty = await fixture.connect({ statementTimeoutMs: 100 });
    let runs = 0;
    const running = hasty.transaction(async (tx) => {
      runs++;
      await tx.query(advance);
      await tx.query({ text: 'SELECT pg_sleep(20)' });
    });
    expect(isTimeout(await failure(running))).toBe(true);
    expect(runs).toBe(1);
    expect(await version()).toBe(0);
  });

  it('may run on where its transaction allows it, there alone', async () => {
    const hasty = await fixture.connect({ max: 1, statementTimeoutMs: 50 });
    const sleep = { text: 'SELECT pg_sleep(0.2)' };
    await hasty.transaction((tx) => tx.query(sleep), UNLIMITED);
    await hasty.transaction((tx) => tx.query(sleep), { isolation: 'repeatable read', statementTimeoutMs: 60_000 });
    expect(isTimeout(await failure(hasty.query(sleep)))).toBe(true);
  });

  it('may be cut shorter by its transaction', async () => {
    const running = db.transaction((tx) => tx.query({ text: 'SELECT pg_sleep(20)' }), { statementTimeoutMs: 50 });
    expect(isTimeout(await failure(running))).toBe(true);
  });
});

describe('a statement that waits too long for a lock', () => {
  it('is given up and will change nothing when the lock comes free', async () => {
    const letGo = await holdRoom();
    const hasty = await fixture.connect({ lockTimeoutMs: 50 });
    const error = await failure(hasty.query(advance));
    await letGo();
    expect(isTimeout(error)).toBe(true);
    expect(isConnectionError(error)).toBe(false);
    expect(await version()).toBe(0);
    await hasty.query(advance);
    expect(await version()).toBe(1);
  });

  it('may wait on where its transaction allows it', async () => {
    const letGo = await holdRoom();
    const hasty = await fixture.connect({ applicationName: 'patient', lockTimeoutMs: 50 });
    const waiting = hasty.transaction((tx) => tx.query(advance), UNLIMITED);
    const text = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'patient' AND wait_event_type = 'Lock'
      AND clock_timestamp() - query_start > interval '200 milliseconds'`;
    while ((await db.query({ text })).rows.length === 0) {
      // until it has waited for much longer than its connection's statements may
    }
    await letGo();
    await waiting;
    expect(await version()).toBe(1);
  });
});

it('migrations run and wait as long as they must', async () => {
  const hasty = await fixture.connect({ statementTimeoutMs: 50, lockTimeoutMs: 50 });
  const letGo = await holdRoom();
  const up = 'SELECT pg_sleep(0.2); ALTER TABLE public.rooms ADD COLUMN room_id text';
  const migrations = [{ version: 1, name: 'slow', up }];
  const migrating = migrate(hasty, { schema: 'rooms', version: 1, oldestCompatible: 1, migrations });
  const text =
    "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'rooms'::regclass AND NOT granted";
  while ((await db.query({ text })).rows.length === 0) {
    // until it waits for the lock
  }
  await db.query({ text: 'SELECT pg_sleep(0.2)' });
  await letGo();
  await migrating;
  expect((await db.query({ text: 'SELECT room_id FROM rooms' })).rows).toEqual([{ room_id: null }]);
});
