/** Migrates one schema when it is sent SIGUSR2. Arguments: database URL, schema, optionally "slow". */
import { once } from 'node:events';
import { Database, migrate } from '../../src/index.js';

const [url = '', schema = '', pace] = process.argv.slice(2);
const db = await Database.connect({ url, max: 2, applicationName: 'migrate', slowStatementMs: 10_000 });
const pause = `SELECT pg_sleep(${pace === 'slow' ? 20 : 0.05});`;
const migrations = [1, 2, 3, 4, 5].map((version) => ({
  version,
  name: `step-${version}`,
  up: `${version === 1 ? 'CREATE TABLE runs (n int);' : pause} INSERT INTO runs VALUES (${version})`,
}));
const go = once(process, 'SIGUSR2');
const alive = setInterval(() => {}, 1_000);
console.log('ready');
await go;
clearInterval(alive);
await migrate(db, { schema, version: 5, oldestCompatible: 1, migrations });
console.log('migrated');
await db.close();
