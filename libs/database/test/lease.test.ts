import { setTimeout as sleep } from 'node:timers/promises';
import { spawnTypeScript, type TestProcess } from '../../testing/src/child-process.js';
import { eventually } from '../../testing/src/eventually.js';
import { type Database, Lease, LeaseLostError, type Term } from '../src/index.js';
import { StallingProxy } from './stalling-proxy.js';
import { Fixture } from './support.js';

let fixture: Fixture;
let db: Database;
let open: Lease[];
let processes: TestProcess[];

beforeEach(async () => {
  fixture = await Fixture.create();
  db = await fixture.connect();
  open = [];
  processes = [];
});
afterEach(async () => {
  await Promise.all(processes.map((process) => process.kill('SIGKILL')));
  await Promise.all(open.map((lease) => lease.close()));
  await fixture.end();
});

function lease(holder: string, ttlMs = 600, on = db): Lease {
  const made = new Lease(on, { name: 'appender', holder, ttlMs });
  open.push(made);
  return made;
}

/** A leader in a process of its own. */
function leader(holder: string, ttlMs: number, ...more: string[]): TestProcess {
  const script = new URL('./processes/lead.ts', import.meta.url);
  const process = spawnTypeScript(script, [fixture.url, holder, String(ttlMs), ...more]);
  processes.push(process);
  return process;
}

function untilAborted({ signal }: Term): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}

/** Campaigns and gives the first term as soon as it is won. */
function campaign(on: Lease): Promise<Term> {
  return new Promise((resolve) => {
    void on.run((term) => {
      resolve(term);
      return untilAborted(term);
    });
  });
}

describe('a lease', () => {
  it('has one leader at a time, however many campaign', async () => {
    let leading = 0;
    let most = 0;
    const terms: number[] = [];
    const leases = ['a', 'b', 'c', 'd'].map((holder) => lease(holder));
    for (const each of leases) {
      void each.run(async (term) => {
        most = Math.max(most, ++leading);
        terms.push(term.epoch);
        await sleep(50);
        leading--;
      });
    }
    while (terms.length < 8) await sleep(20);
    expect(most).toBe(1);
    expect(terms.slice(0, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  }, 20_000);

  it('is kept by renewing for much longer than it lives', async () => {
    const term = await campaign(lease('a', 1_000));
    const rival = lease('b', 1_000);
    let taken = false;
    void rival.run(async () => {
      taken = true;
    });
    await sleep(2_500);
    expect(term.held()).toBe(true);
    expect(term.signal.aborted).toBe(false);
    expect(taken).toBe(false);
  });

  it('is handed over at once when its leader closes, not before the leader has ended', async () => {
    const order: string[] = [];
    const first = lease('a', 5_000);
    const second = lease('b', 5_000);
    const leading = Promise.withResolvers<void>();
    void first.run(async (term) => {
      leading.resolve();
      await untilAborted(term);
      await sleep(100);
      order.push('first ended');
    });
    await leading.promise;
    const succeeded = campaign(second).then((term) => {
      order.push(`second leads in term ${term.epoch}`);
    });
    const start = performance.now();
    await first.close();
    await succeeded;
    expect(order).toEqual(['first ended', 'second leads in term 2']);
    expect(performance.now() - start).toBeLessThan(4_000);
  });

  it('passes on soon when its leader is killed and was watched', async () => {
    const victim = leader('victim', 60_000, 'watched');
    expect(await victim.line('leading')).toBe('leading 1');
    await eventually(async () => {
      const { rows } = await db.query({ text: 'SELECT FROM ganglion_meta.leases WHERE session_epoch = epoch' });
      expect(rows).toHaveLength(1);
    });
    const succeeded = campaign(lease('heir', 1_000));
    await sleep(700);
    const start = performance.now();
    await victim.kill('SIGKILL');
    expect((await succeeded).epoch).toBe(2);
    expect(performance.now() - start).toBeLessThan(10_000);
  }, 30_000);

  it('is lost, not shared, by a leader whose session breaks, and what it does then is fenced off', async () => {
    const first = new Lease(db, { name: 'appender', holder: 'a', ttlMs: 900, watched: true });
    open.push(first);
    const term = await campaign(first);
    const terminate = `SELECT pg_terminate_backend(session_pid) FROM ganglion_meta.leases WHERE session_epoch = epoch`;
    const rival = campaign(lease('b', 900));
    await eventually(async () => expect((await db.query({ text: terminate })).rows).toHaveLength(1));
    // Either it has shown in time that it lives, or the other one leads: never both.
    const next = await Promise.race([rival, sleep(1_500, undefined)]);
    if (next === undefined) return expect(term.signal.aborted).toBe(false);
    expect(next.epoch).toBe(2);
    await expect(db.transaction((tx) => term.fence(tx))).rejects.toBeInstanceOf(LeaseLostError);
    if (!term.signal.aborted) await new Promise((resolve) => term.signal.addEventListener('abort', resolve));
  }, 30_000);

  it('keeps no session open that it could not show', async () => {
    const first = new Lease(db, { name: 'appender', holder: 'a', ttlMs: 300, watched: true });
    open.push(first);
    await campaign(lease('before', 300));
    await open[1]!.close();
    await db.query({
      text: `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
        CREATE TRIGGER refusing BEFORE UPDATE OF session_pid ON ganglion_meta.leases EXECUTE FUNCTION refuse()`,
    });
    await campaign(first);
    const sessions = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '% leading'`;
    const failures = () => fixture.log.lines.filter(({ msg }) => msg.startsWith('others cannot see'));
    await eventually(() => expect(failures().length).toBeGreaterThan(4));
    await eventually(async () => expect((await db.query({ text: sessions })).rows.length).toBeLessThan(2));
  }, 15_000);

  it('is given up by a watched leader whose connections all lead nowhere', async () => {
    const proxy = await StallingProxy.before(fixture.url);
    const cut = await fixture.connect({ url: proxy.url, readTimeoutMs: 500 });
    const first = new Lease(cut, { name: 'appender', holder: 'a', ttlMs: 600, watched: true });
    const term = await campaign(first);
    await eventually(async () => {
      const { rows } = await db.query({ text: 'SELECT FROM ganglion_meta.leases WHERE session_epoch = epoch' });
      expect(rows).toHaveLength(1);
    });
    proxy.stall();
    await untilAborted(term);
    await first.close();
    expect((await campaign(lease('b', 600))).epoch).toBe(2);
    proxy.goOn();
    await cut.close();
    await proxy.close();
  }, 15_000);

  it('passes on when its leader is killed, after its time to live', async () => {
    const victim = leader('victim', 1_000);
    expect(await victim.line('leading')).toBe('leading 1');
    const successor = campaign(lease('heir', 1_000));
    await sleep(500);
    const killed = performance.now();
    await victim.kill('SIGKILL');
    const term = await successor;
    expect(term.epoch).toBe(2);
    const took = performance.now() - killed;
    expect(took).toBeGreaterThan(300);
    expect(took).toBeLessThan(6_000);
  }, 30_000);

  it('is known to be lost by a leader that was frozen, before it does anything more', async () => {
    const frozen = leader('frozen', 600);
    await frozen.line('leading');
    frozen.process.kill('SIGSTOP');
    const term = await campaign(lease('heir', 600));
    expect(term.epoch).toBe(2);
    const before = frozen.lines.length;
    frozen.process.kill('SIGCONT');
    await frozen.line('woke held=false');
    await frozen.line('lost');
    expect(frozen.lines.slice(before)).not.toContain('woke held=true');
  }, 30_000);

  it('is lost, within its time to live, by a leader that cannot reach Postgres', async () => {
    const cut = await fixture.connect({ max: 1, applicationName: 'cut' });
    const term = await campaign(lease('a', 600, cut));
    const start = performance.now();
    const blocking = cut.query({ text: 'SELECT pg_sleep(3)' });
    await untilAborted(term);
    expect(performance.now() - start).toBeLessThan(2_500);
    expect(term.held()).toBe(false);
    const heir = await campaign(lease('b', 600));
    expect(heir.epoch).toBe(2);
    await blocking;
  }, 15_000);

  it('survives a function that fails: the campaign goes on', async () => {
    const epochs: number[] = [];
    void lease('a').run(async ({ epoch }) => {
      epochs.push(epoch);
      throw new Error('out of luck');
    });
    while (epochs.length < 2) await sleep(20);
    expect(epochs.slice(0, 2)).toEqual([1, 2]);
    expect(fixture.log.lines.some(({ msg }) => msg === 'the leader failed')).toBe(true);
  });

  it('can be closed before it was ever won, and before it was run', async () => {
    await campaign(lease('a'));
    const loser = lease('b');
    const running = loser.run(async () => {});
    await loser.close();
    await running;
    await lease('c').close();
  });
});

describe('a fenced transaction', () => {
  it('commits during its term and fails after it', async () => {
    const first = lease('a');
    const term = await campaign(first);
    await db.query({ text: 'CREATE TABLE positions (n int)' });
    const write = (n: number) =>
      db.transaction(async (tx) => {
        await term.fence(tx);
        await tx.query({ text: 'INSERT INTO positions VALUES ($1)', values: [n] });
      });
    await write(1);
    await first.close();
    await campaign(lease('b'));
    await expect(write(2)).rejects.toThrow(LeaseLostError);
    expect((await db.query({ text: 'SELECT n FROM positions' })).rows).toEqual([{ n: 1 }]);
  });

  it('does not keep its leader from renewing', async () => {
    // Longer than a machine may stand still between two renewals, and the transaction longer than that.
    const term = await campaign(lease('a', 5_000));
    await db.transaction(async (tx) => {
      await term.fence(tx);
      await tx.query({ text: 'SELECT pg_sleep(6)' });
    });
    expect(term.held()).toBe(true);
    expect(term.signal.aborted).toBe(false);
  });

  it('holds off a successor until it is over', async () => {
    const first = lease('a', 300);
    const term = await campaign(first);
    const fenced = Promise.withResolvers<void>();
    const writing = db.transaction(async (tx) => {
      await term.fence(tx);
      fenced.resolve();
      await tx.query({ text: 'SELECT pg_sleep(0.8)' });
      return performance.now();
    });
    await fenced.promise;
    await first.close();
    const heir = campaign(lease('b', 300)).then(({ epoch }) => ({ epoch, at: performance.now() }));
    const [written, won] = await Promise.all([writing, heir]);
    expect(won.epoch).toBe(2);
    expect(won.at).toBeGreaterThan(written - 20);
  });
});
