import { spawnTypeScript } from '../../testing/src/child-process.js';
import { checkSchema, type Database, migrate, type SchemaDefinition } from '../src/index.js';
import { Fixture } from './support.js';

let fixture: Fixture;
let db: Database;

beforeEach(async () => {
  fixture = await Fixture.create();
  db = await fixture.connect();
});
afterEach(() => fixture.end());

const one = { version: 1, name: 'begin', up: 'CREATE TABLE things (id bigint); INSERT INTO things VALUES (1)' };
const two = { version: 2, name: 'grow', up: 'ALTER TABLE things ADD COLUMN name text' };
const three = { version: 3, name: 'shrink', oldestCompatible: 2, up: 'ALTER TABLE things DROP COLUMN name' };

function definition(migrations: SchemaDefinition['migrations'], oldestCompatible = 1): SchemaDefinition {
  return { schema: 'room_server', version: migrations.length, oldestCompatible, migrations };
}

async function state() {
  const { rows } = await db.query({
    text: 'SELECT schema, version, oldest_compatible AS oldest FROM ganglion_meta.schema_versions',
  });
  return rows;
}

describe('migrate', () => {
  it('runs what is missing, in the schema of the service, and records it', async () => {
    await migrate(db, definition([one]));
    expect(await state()).toEqual([{ schema: 'room_server', version: 1, oldest: 1 }]);
    await migrate(db, definition([one, two, three]));
    await migrate(db, definition([one, two, three]));
    expect(await state()).toEqual([{ schema: 'room_server', version: 3, oldest: 2 }]);
    const { rows } = await db.query({ text: 'SELECT * FROM room_server.things' });
    expect(rows).toEqual([{ id: 1 }]);
    const history = await db.query({ text: 'SELECT version, name FROM ganglion_meta.schema_history ORDER BY version' });
    expect(history.rows.map(({ name }) => name)).toEqual(['begin', 'grow', 'shrink']);
  });

  it('keeps the search path of other transactions as it was', async () => {
    await migrate(db, definition([one]));
    await expect(db.query({ text: 'SELECT * FROM things' })).rejects.toThrow('does not exist');
  });

  it('leaves nothing of a migration that fails, and keeps those before it', async () => {
    const broken = { version: 2, name: 'broken', up: 'ALTER TABLE things ADD COLUMN a int; SELECT 1/0' };
    const failing = migrate(db, definition([one, broken]));
    await expect(failing).rejects.toThrow('migration 2 (broken) of schema room_server failed');
    expect(await state()).toMatchObject([{ version: 1 }]);
    expect((await db.query({ text: 'SELECT * FROM room_server.things' })).rows).toEqual([{ id: 1 }]);
    await migrate(db, definition([one, two]));
    expect(await state()).toMatchObject([{ version: 2 }]);
  });

  it('never forgets what an earlier version has made incompatible', async () => {
    await migrate(db, definition([one, two, three], 3));
    expect(await state()).toMatchObject([{ version: 3, oldest: 3 }]);
    const four = { version: 4, name: 'more', up: 'SELECT 1' };
    await migrate(db, definition([one, two, three, four], 1));
    expect(await state()).toMatchObject([{ version: 4, oldest: 3 }]);
  });

  it('runs each migration once when several processes and schemas start at once', async () => {
    const script = new URL('./processes/migrate.ts', import.meta.url);
    const schemas = ['room_server', 'room_server', 'room_server', 'user_server'];
    const processes = schemas.map((schema) => spawnTypeScript(script, [fixture.url, schema]));
    await Promise.all(processes.map((process) => process.line('ready')));
    for (const { process } of processes) process.kill('SIGUSR2');
    await Promise.all(processes.map((process) => process.line('migrated')));
    for (const schema of ['room_server', 'user_server']) {
      const { rows } = await db.query({ text: `SELECT n FROM ${schema}.runs ORDER BY n` });
      expect(rows.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
    }
    expect(await state()).toHaveLength(2);
  }, 30_000);

  it('is carried on by another process when the one at work is killed', async () => {
    const script = new URL('./processes/migrate.ts', import.meta.url);
    const victim = spawnTypeScript(script, [fixture.url, 'room_server', 'slow']);
    await victim.line('ready');
    victim.process.kill('SIGUSR2');
    while ((await db.query({ text: "SELECT to_regclass('room_server.runs') AS t" })).rows[0]?.t === null) {
      // until its first migration is committed and its second one, which is slow, is under way
    }
    await victim.kill('SIGKILL');
    const heir = spawnTypeScript(script, [fixture.url, 'room_server']);
    await heir.line('ready');
    heir.process.kill('SIGUSR2');
    await heir.line('migrated');
    const { rows } = await db.query({ text: 'SELECT n FROM room_server.runs ORDER BY n' });
    expect(rows.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
  }, 30_000);
});

describe('checkSchema', () => {
  it('refuses a database that was never migrated', async () => {
    await expect(checkSchema(db, definition([one]))).rejects.toThrow(
      'the database schema room_server is at version 0, this program needs version 1: run `ganglion migrate` first',
    );
  });

  it('refuses a database that is older than needed', async () => {
    await migrate(db, definition([one]));
    await expect(checkSchema(db, definition([one, two]))).rejects.toThrow('at version 1, this program needs version 2');
  });

  it('accepts a newer database that still works with us, as in a rolling upgrade', async () => {
    await migrate(db, definition([one, two, three]));
    await expect(checkSchema(db, definition([one, two]))).resolves.toEqual({ version: 3, oldestCompatible: 2 });
    await migrate(db, definition([one, two]));
    expect(await state()).toMatchObject([{ version: 3 }]);
  });

  it('refuses a database that is too new, and so does migrate', async () => {
    await migrate(db, definition([one, two, three]));
    const words =
      'the database schema room_server is at version 3 and works with programs that know version 2 or later, ' +
      'this program knows version 1: upgrade Ganglion';
    await expect(checkSchema(db, definition([one]))).rejects.toThrow(words);
    await expect(migrate(db, definition([one]))).rejects.toThrow(words);
  });
});

describe('a definition that contradicts itself', () => {
  const cases: [string, SchemaDefinition, string][] = [
    ['a gap', definition([one, three]), 'migration 2 is missing'],
    ['a wrong version', { ...definition([one, two]), version: 3 }, 'version 3 is not the last'],
    ['incompatible with itself', definition([one], 2), 'would not work with the program'],
    ['a hostile name', { ...definition([one]), schema: 'x"; DROP TABLE y; --' }, 'is no name for a schema'],
  ];

  it.each(cases)('is refused: %s', async (_, wrong, words) => {
    await expect(migrate(db, wrong)).rejects.toThrow(words);
  });
});
