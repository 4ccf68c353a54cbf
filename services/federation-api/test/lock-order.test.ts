import { Database, migrate } from '@ganglion/database';
import { eventually, type TestDatabase, testDatabase } from '@ganglion/testing';
import { addWork } from '../src/storage/destination-work.js';
import { PostgresEphemeraStore } from '../src/storage/ephemera-store.js';
import { federationApiSchema } from '../src/storage/migrations.js';

const OURS = 'ours.example';
/** By their bytes the later name is the first; in most languages it is not. */
const [FIRST, LATER] = ['x1.example', 'x:8448'];
const routes = [LATER, FIRST].map((server) => ({ server, origin: OURS }));
const typing = { kind: 'm.typing', userId: `@a:${OURS}`, threadId: '', content: {}, lastsMs: 60_000 } as const;

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await testDatabase("LOCALE_PROVIDER icu ICU_LOCALE 'en'");
  db = await Database.connect({ url: database.url, max: 6, applicationName: 'test', slowStatementMs: 10_000 });
  await migrate(db, federationApiSchema);
  await db.transaction((tx) => addWork(tx, routes));
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

it('the names of the servers are in another order in this database than by their bytes', async () => {
  const order = async (collation: string) => {
    const text = `SELECT name FROM unnest($1::text[]) AS name ORDER BY name ${collation}`;
    return (await db.query<{ name: string }>({ text, values: [[FIRST, LATER]] })).rows.map(({ name }) => name);
  };
  expect(await order('COLLATE "C"')).toEqual([FIRST, LATER]);
  expect(await order('')).toEqual([LATER, FIRST]);
});

it.each([
  ['queues something', () => db.transaction((tx) => addWork(tx, routes))],
  [
    'tells who types',
    () =>
      new PostgresEphemeraStore(db).put([{ ...typing, roomId: '!r:x' }], [{ roomId: '!r:x', servers: [LATER, FIRST] }]),
  ],
])(
  'who %s for several servers takes them in the order of the table, whatever the language of the database',
  async (_, work) => {
    let working: Promise<unknown> | undefined;
    await db.transaction(async (tx) => {
      const hold = 'SELECT FROM federation_api.destinations WHERE server_name = $1 FOR UPDATE SKIP LOCKED';
      await tx.query({ text: hold, values: [LATER] });
      working = work();
      await eventually(async () => {
        const text = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
        expect((await db.query({ text, values: [] })).rowCount).toBe(1);
      });
      // It waits for the later one, and has the first one by then.
      expect((await db.query({ text: hold, values: [FIRST] })).rowCount).toBe(0);
    });
    await working;
  },
);
