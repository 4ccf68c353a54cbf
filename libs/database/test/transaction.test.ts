import type { Transaction } from '../src/index.js';
import { Fixture } from './support.js';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await Fixture.create();
  const db = await fixture.connect();
  await db.query({ text: 'CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)' });
});
beforeEach(async () => {
  const db = await fixture.connect();
  await db.query({ text: 'TRUNCATE accounts' });
  await db.query({ text: 'INSERT INTO accounts VALUES (1, 100), (2, 100)' });
});
afterAll(() => fixture.end());

async function balances(): Promise<unknown[]> {
  const db = await fixture.connect();
  const { rows } = await db.query({ text: 'SELECT balance FROM accounts ORDER BY id' });
  return rows.map(({ balance }) => balance);
}

const add = (tx: Transaction, id: number, amount: number) =>
  tx.query({ text: 'UPDATE accounts SET balance = balance + $2 WHERE id = $1', values: [id, amount] });

describe('a transaction', () => {
  it('keeps all that its function did, and returns its result', async () => {
    const db = await fixture.connect();
    const result = await db.transaction(async (tx) => {
      await add(tx, 1, -5);
      await add(tx, 2, 5);
      return 'done';
    });
    expect(result).toBe('done');
    expect(await balances()).toEqual([95, 105]);
  });

  it('keeps nothing when its function fails, and frees its connection', async () => {
    const db = await fixture.connect({ max: 1 });
    const failing = db.transaction(async (tx) => {
      await add(tx, 1, -5);
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await balances()).toEqual([100, 100]);
    expect((await db.query({ text: 'SELECT 1 AS n' })).rows).toEqual([{ n: 1 }]);
  });

  it('does not pretend to have committed after a statement whose failure was swallowed', async () => {
    const db = await fixture.connect();
    const swallowing = db.transaction(async (tx) => {
      await add(tx, 1, -5);
      await tx.query({ text: 'SELECT 1/0' }).catch(() => {});
    });
    await expect(swallowing).rejects.toThrow('rolled back');
    expect(await balances()).toEqual([100, 100]);
  });

  it('cannot be used once it is over', async () => {
    const db = await fixture.connect();
    let escaped: Transaction | undefined;
    await db.transaction(async (tx) => {
      escaped = tx;
    });
    expect(() => escaped?.query({ text: 'SELECT 1' })).toThrow('this transaction is over');
  });

  it('carries drizzle', async () => {
    const db = await fixture.connect();
    const failing = db.transaction(async (tx) => {
      await tx.drizzle.execute('UPDATE accounts SET balance = 0');
      throw new Error('undo');
    });
    await expect(failing).rejects.toThrow('undo');
    expect(await balances()).toEqual([100, 100]);
  });
});

describe('a lost race', () => {
  /** Two transactions that each lock one row and then, once both have, want the other's. */
  async function deadlock(retries: number) {
    const db = await fixture.connect();
    await db.query({ text: "SET deadlock_timeout = '50ms'" });
    const locked = [false, false];
    let attempts = 0;
    const both = Promise.withResolvers<void>();
    const transfer = (first: number, second: number) =>
      db.transaction(
        async (tx) => {
          attempts++;
          await tx.query({ text: "SET LOCAL deadlock_timeout = '50ms'" });
          await add(tx, first, -1);
          locked[first - 1] = true;
          if (locked[0] && locked[1]) both.resolve();
          await both.promise;
          await add(tx, second, 1);
        },
        { retries },
      );
    const results = await Promise.allSettled([transfer(1, 2), transfer(2, 1)]);
    return { attempts, results };
  }

  it('by deadlock is run again until both have happened', async () => {
    const { attempts, results } = await deadlock(5);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(attempts).toBeGreaterThanOrEqual(3);
    expect(await balances()).toEqual([100, 100]);
  });

  it('by deadlock is reported when no retry is allowed', async () => {
    const { attempts, results } = await deadlock(0);
    const failed = results.filter((result) => result.status === 'rejected');
    expect(failed.map(({ reason }) => reason.code)).toEqual(['40P01']);
    expect(attempts).toBe(2);
  });

  it('by a serialisation failure is run again: ten increments at once all count', async () => {
    const db = await fixture.connect({ max: 10 });
    const increment = () =>
      db.transaction(
        async (tx) => {
          const { rows } = await tx.query<{ balance: number }>({ text: 'SELECT balance FROM accounts WHERE id = 1' });
          const balance = (rows[0]?.balance ?? 0) + 1;
          await tx.query({ text: 'UPDATE accounts SET balance = $1 WHERE id = 1', values: [balance] });
        },
        { isolation: 'repeatable read', retries: 50 },
      );
    await Promise.all(Array.from({ length: 10 }, increment));
    expect(await balances()).toEqual([110, 100]);
  });
});
