import { Database } from '@ganglion/database';
import { ClaimDesk } from '../../src/domain/claim-desk.js';
import { PostgresOneTimeKeyStore } from '../../src/storage/one-time-key-store.js';

/** A process that claims keys of one device, many at once, and says which it got. Arguments: database, user, device, how many. */
const [url = '', userId = '', deviceId = '', count = '0'] = process.argv.slice(2);
const AT_ONCE = 25;

const db = await Database.connect({ url, max: 8, applicationName: 'claimer', slowStatementMs: 10_000 });
const desk = new ClaimDesk(new PostgresOneTimeKeyStore(db), { countsChanged() {} });
const got: string[] = [];
let left = Number(count);

async function claimOnAndOn(): Promise<void> {
  while (left > 0) {
    left -= 1;
    const [key] = await desk.claim([{ userId, deviceId, algorithm: 'signed_curve25519' }]);
    got.push(key === undefined ? 'none' : `${key.isFallback ? 'fallback ' : ''}${key.keyId}`);
  }
}

console.log('ready');
await new Promise((resolve) => setTimeout(resolve, Math.max(0, Number(process.argv[6]) - Date.now())));
await Promise.all(Array.from({ length: AT_ONCE }, claimOnAndOn));
console.log(`got ${JSON.stringify(got)}`);
await db.close();
