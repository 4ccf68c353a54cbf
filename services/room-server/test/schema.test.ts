import { Database, migrate } from '@ganglion/database';
import { drizzleShapes, migratedShapes, type TestDatabase, testDatabase } from '@ganglion/testing';
import { roomServerSchema } from '../src/storage/migrations.js';
import * as tables from '../src/storage/schema.js';

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await testDatabase();
  db = await Database.connect({ url: database.url, max: 2, applicationName: 'test', slowStatementMs: 10_000 });
  await migrate(db, roomServerSchema);
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

it('what drizzle knows of the tables is as the migrated database has it', async () => {
  const known = drizzleShapes(tables);
  const { columns, keys } = await migratedShapes(db, 'room_server');
  expect(columns).toEqual(expect.arrayContaining(known.columns));
  expect(keys).toEqual(expect.arrayContaining(known.keys));
});
