/** Campaigns for the lease "appender" and tells how it goes. Arguments: database URL, holder, time to live, and whether it is watched. */
import { Database, Lease } from '../../src/index.js';

const [url = '', holder = '', ttlMs, watched] = process.argv.slice(2);
const db = await Database.connect({ url, max: 2, applicationName: holder, slowStatementMs: 10_000 });
const lease = new Lease(db, { name: 'appender', holder, ttlMs: Number(ttlMs), watched: watched === 'watched' });
await lease.run(async (term) => {
  let seen = performance.now();
  // A jump of the clock between two ticks means that the process stood still.
  setInterval(() => {
    const now = performance.now();
    if (now - seen > Number(ttlMs) / 2) console.log(`woke held=${term.held()}`);
    seen = now;
  }, 20).unref();
  console.log(`leading ${term.epoch}`);
  await new Promise<void>((resolve) => term.signal.addEventListener('abort', () => resolve()));
  console.log('lost');
});
