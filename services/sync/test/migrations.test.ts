import { Database, migrate } from '@ganglion/database';
import { testDatabase } from '@ganglion/testing';
import { syncSchema } from '../src/storage/migrations.js';

/** What is brought over where the rooms are in the same database, a test of all services shows. */
describe('an upgrade from the first read model, where the rooms are in another database', () => {
  it('empties the read model, and has the appender fill it from where positions were', async () => {
    const database = await testDatabase();
    const db = await Database.connect({ url: database.url, max: 1, applicationName: 'test', slowStatementMs: 10_000 });
    try {
      await migrate(db, {
        ...syncSchema,
        version: 2,
        oldestCompatible: 1,
        migrations: syncSchema.migrations.slice(0, 2),
      });
      for (const text of [
        'UPDATE sync.appender SET epoch = 3, position = 70, room_cursor = 900, user_cursor = 800',
        `INSERT INTO sync.rooms (room_id, room_version, room_seq, position) VALUES ('!a:one.test', '11', 1, 5)`,
        `INSERT INTO sync.timeline (position, room_nid, event_id, type, state_key, sender, visibility, origin_server_ts, json)
          VALUES (5, 1, '$a', 'm.room.create', '', '@a:one.test', 'shared', 1, '{}')`,
        `INSERT INTO sync.state_log VALUES (1, 'm.room.create', '', 5, 5)`,
        `INSERT INTO sync.memberships VALUES ('@a:one.test', 1, 'join', 5)`,
        `INSERT INTO sync.account_data VALUES ('@a:one.test', '', 'm.tag', '{}', 6)`,
      ]) {
        await db.query({ text });
      }
      await migrate(db, syncSchema);
      const counts = ['rooms', 'timeline', 'state_keys', 'state_log', 'memberships', 'account_data'].map(
        (table) => `(SELECT count(*) FROM sync.${table}) AS ${table}`,
      );
      const text = `SELECT position, room_cursor, user_cursor, ${counts.join(', ')} FROM sync.appender`;
      expect((await db.query({ text })).rows).toEqual([
        {
          ...{ position: 70, room_cursor: 0, user_cursor: 800, account_data: 1 },
          ...{ rooms: 0, timeline: 0, state_keys: 0, state_log: 0, memberships: 0 },
        },
      ]);
    } finally {
      await db.close();
      await database.drop();
    }
  });
});
