import { type ConfigInput, parseConfig } from '@ganglion/config';
import { Database, migrate } from '@ganglion/database';
import { type TestDatabase, testDatabase } from '@ganglion/testing';
import { PostgresRateLimiter, rateLimitSchema } from '../src/index.js';

let database: TestDatabase;
let replicas: [Database, Database];
beforeAll(async () => {
  database = await testDatabase();
  const connect = () =>
    Database.connect({ url: database.url, max: 4, applicationName: 'test', slowStatementMs: 10_000 });
  replicas = await Promise.all([connect(), connect()]);
  await migrate(replicas[0], rateLimitSchema);
});
afterAll(async () => {
  await Promise.all(replicas.map((db) => db.close()));
  await database.drop();
});

function limiterOn(db: Database, limits: ConfigInput['rate_limits']): PostgresRateLimiter {
  const input: ConfigInput = { server_names: [{ name: 'one.test' }], rate_limits: limits };
  return new PostgresRateLimiter(db, parseConfig(JSON.stringify(input), '/').rate_limits);
}

/** So slow that nothing comes back while a test runs. */
const FIVE = { message: { per_second: 0.001, burst: 5 }, login: { per_second: 0.001, burst: 2 } };

/** How often each key was allowed of so many uses at once on two replicas. */
async function burst(
  limits: ConfigInput['rate_limits'],
  uses: number,
  keys: string[],
): Promise<Record<string, number>> {
  const limiters = replicas.map((db) => limiterOn(db, limits));
  const allowed = Object.fromEntries(keys.map((key) => [key, 0]));
  const attempts = Array.from({ length: uses }, async (_, index) => {
    const key = keys[index % keys.length]!;
    const limiter = limiters[Math.floor(index / keys.length) % 2]!;
    if ((await limiter.take('message', key)).allowed) allowed[key]! += 1;
  });
  await Promise.all(attempts);
  return allowed;
}

describe('a limit', () => {
  it('lets a burst through and then says how long to wait', async () => {
    const limiter = limiterOn(replicas[0], { message: { per_second: 0.5, burst: 2 } });
    const decisions = [];
    for (let use = 0; use < 3; use++) decisions.push(await limiter.take('message', 'waits'));
    expect(decisions.map(({ allowed }) => allowed)).toEqual([true, true, false]);
    expect(decisions[0]?.retryAfterMs).toBe(0);
    expect(decisions[2]?.retryAfterMs).toBeGreaterThan(0);
    expect(decisions[2]?.retryAfterMs).toBeLessThanOrEqual(2_000);
  });

  it('holds across two replicas, whatever comes at once', async () => {
    expect(await burst(FIVE, 60, ['one', 'two', 'three'])).toEqual({ one: 5, two: 5, three: 5 });
  });

  it('outlives the process', async () => {
    for (let use = 0; use < 5; use++) await limiterOn(replicas[0], FIVE).take('message', 'restarts');
    expect(await limiterOn(replicas[1], FIVE).take('message', 'restarts')).toMatchObject({ allowed: false });
  });

  it('is one for each name and key', async () => {
    const limiter = limiterOn(replicas[0], FIVE);
    for (let use = 0; use < 6; use++) await limiter.take('message', 'separate');
    expect(await limiter.take('message', 'separate')).toMatchObject({ allowed: false });
    expect(await limiter.take('login', 'separate')).toMatchObject({ allowed: true });
    expect(await limiter.take('message', 'separate too')).toMatchObject({ allowed: true });
  });

  it('fills up again as time goes by, and refusals do not set it back', async () => {
    const limiter = limiterOn(replicas[0], { message: { per_second: 20, burst: 1 } });
    const begun = performance.now();
    let allowed = 0;
    let refused = 0;
    while (allowed < 5) {
      if ((await limiter.take('message', 'refills')).allowed) allowed += 1;
      else refused += 1;
    }
    expect(performance.now() - begun).toBeGreaterThanOrEqual(195);
    expect(refused).toBeGreaterThan(0);
  });

  it('can be given back, whichever replica has taken', async () => {
    const [one, two] = [limiterOn(replicas[0], FIVE), limiterOn(replicas[1], FIVE)];
    for (let use = 0; use < 20; use++) {
      expect(await one.take('message', 'refunded')).toMatchObject({ allowed: true });
      await two.giveBack('message', 'refunded');
    }
    await two.giveBack('message', 'nobody has taken');
    const uses = await Promise.all(Array.from({ length: 8 }, () => one.take('message', 'refunded')));
    expect(uses.filter(({ allowed }) => allowed)).toHaveLength(5);
  });

  it('may be used several times at once: all of them or none', async () => {
    const limiter = limiterOn(replicas[0], { message: { per_second: 0.5, burst: 5 } });
    expect(await limiter.take('message', 'several', 3)).toMatchObject({ allowed: true });
    const { allowed, retryAfterMs } = await limiter.take('message', 'several', 3);
    expect(allowed).toBe(false);
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(2_000);
    expect(await limiter.take('message', 'several', 2)).toMatchObject({ allowed: true });
    expect(await limiter.take('message', 'several')).toMatchObject({ allowed: false });
    await limiter.giveBack('message', 'several', 2);
    expect(await limiter.take('message', 'several', 2)).toMatchObject({ allowed: true });
  });

  it('says that waiting does not help who wants more at once than there ever is', async () => {
    const limiter = limiterOn(replicas[0], FIVE);
    expect(await limiter.take('message', 'greedy', 6)).toEqual({ allowed: false, retryAfterMs: Infinity });
    expect(await limiter.take('message', 'greedy', 5)).toMatchObject({ allowed: true });
  });

  it('may be changed: the new one holds at once', async () => {
    await burst(FIVE, 10, ['changes']);
    const generous = limiterOn(replicas[1], { message: { per_second: 0.001, burst: 1_000 } });
    expect(await generous.take('message', 'changes')).toMatchObject({ allowed: true });
  });

  it('can be switched off', async () => {
    expect(await burst({ ...FIVE, enabled: false }, 30, ['free'])).toEqual({ free: 30 });
  });
});

it('a database that is away is an error, not a permission', async () => {
  const db = await Database.connect({ url: database.url, max: 1, applicationName: 'away', slowStatementMs: 10_000 });
  const limiter = limiterOn(db, FIVE);
  expect(await limiter.take('message', 'away')).toMatchObject({ allowed: true });
  await db.close();
  await expect(limiter.take('message', 'away')).rejects.toThrow();
  await expect(limiter.take('message', 'away')).rejects.toThrow();
});
