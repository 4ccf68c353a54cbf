import { Database, migrate } from '@ganglion/database';
import { drizzleShapes, migratedShapes, type TestDatabase, testDatabase } from '@ganglion/testing';
import { userServerSchema } from '../src/storage/migrations.js';
import * as tables from '../src/storage/schema.js';

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await testDatabase();
  db = await Database.connect({ url: database.url, max: 2, applicationName: 'test', slowStatementMs: 10_000 });
  await migrate(db, userServerSchema);
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

it('the tables as drizzle knows them are those of the migrated database', async () => {
  expect(drizzleShapes(tables)).toEqual(await migratedShapes(db, 'user_server'));
});
