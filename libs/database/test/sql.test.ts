import { type Database, rowsOf, sql, statement } from '../src/index.js';
import { Fixture } from './support.js';

describe('the text of a statement', () => {
  const member = { room_nid: 'bigint', user_id: 'text', auth_nids: 'bigint[]' } as const;

  it('numbers its parameters in their order, through nested pieces, and is the same for any input', () => {
    const named = sql<{ name: string }>`name = ${(p) => p.name}`;
    const find = statement('find', sql<{ id: number; name: string }>`SELECT 1 WHERE id = ${(p) => p.id} AND ${named}`);
    expect(find({ id: 7, name: 'x' })).toEqual({
      name: 'find',
      text: 'SELECT 1 WHERE id = $1 AND name = $2',
      values: [7, 'x'],
    });
    expect(find({ id: 8, name: 'y' }).text).toBe(find({ id: 7, name: 'x' }).text);
  });

  it('makes one parameter of a function that stands in two places', () => {
    const id = (p: { id: number }) => p.id;
    const find = statement('find', sql`SELECT ${id}, ${(p: { id: number }) => p.id + 1}, ${id}`);
    expect(find({ id: 7 })).toMatchObject({ text: 'SELECT $1, $2, $1', values: [7, 8] });
  });

  it('names the columns of rows once, whatever their number, and reads the rows once', () => {
    let reads = 0;
    const put = statement(
      'put',
      sql<{ rows: { room_nid: number; user_id: string; auth_nids: number[] }[]; last: number }>`
        ${rowsOf('i', member, (p) => [...p.rows].splice(0, ++reads * 10))} WHERE room_nid < ${(p) => p.last}`,
    );
    const rows = [
      { room_nid: 1, user_id: '@a:b', auth_nids: [1, 2] },
      { room_nid: 2, user_id: 'x"y\\', auth_nids: [] },
    ];
    const filled = put({ rows, last: 9 });
    expect(filled.text.trim()).toBe(
      'SELECT i.room_nid, i.user_id, i.auth_nids::bigint[] AS auth_nids ' +
        'FROM unnest($1::bigint[], $2::text[], $3::text[]) AS i(room_nid, user_id, auth_nids) WHERE room_nid < $4',
    );
    expect(filled.values).toEqual(['{1,2}', '{"@a:b","x\\"y\\\\"}', '{"{1,2}","{}"}', 9]);
    expect(reads).toBe(1);
    expect(put({ rows: [], last: 0 })).toEqual({ ...filled, values: ['{}', '{}', '{}', 0] });
  });

  it('is checked by the compiler', () => {
    // @ts-expect-error a column is missing
    rowsOf('i', member, () => [{ room_nid: 1, user_id: '@a:b' }]);
    // @ts-expect-error a column has another name
    rowsOf('i', member, () => [{ room_nid: 1, userId: '@a:b', auth_nids: [1] }]);
    // @ts-expect-error a value is of another type
    rowsOf('i', member, () => [{ room_nid: 'one', user_id: '@a:b', auth_nids: [1] }]);
    // @ts-expect-error there is no such type
    rowsOf('i', { room_nid: 'biggint' }, () => [{ room_nid: 1 }]);
    // @ts-expect-error the input has no such field
    sql<{ id: number }>`SELECT ${(p) => p.name}`;
    // @ts-expect-error a text is no piece of SQL
    expect(() => statement('x', sql`SELECT ${'1; DROP TABLE rooms'}`)).toThrow(TypeError);
    const find = statement('find', sql<{ id: number }>`SELECT ${(p) => p.id}::bigint AS id`);
    // @ts-expect-error the input is missing
    expect(() => find()).toThrow(TypeError);
    // @ts-expect-error a piece for another input
    const wrong = sql<{ id: number }>`SELECT ${sql<{ name: string }>`${(p) => p.name}`}`;
    expect(wrong).toBeDefined();
    expect(statement('none', sql`SELECT 1`)()).toEqual({ name: 'none', text: 'SELECT 1', values: [] });
  });
});

describe('rows in PostgreSQL', () => {
  let fixture: Fixture;
  let db: Database;

  beforeAll(async () => {
    fixture = await Fixture.create();
    db = await fixture.connect({ max: 1 });
  });
  afterAll(() => fixture.end());

  const every = {
    a: 'smallint',
    b: 'integer',
    c: 'bigint',
    d: 'float8',
    e: 'boolean',
    f: 'text',
    g: 'jsonb',
    h: 'bytea',
    i: 'timestamptz',
    j: 'integer[]',
    k: 'bigint[]',
    l: 'text[]',
  } as const;
  const text = 'a "quoted", \\ {back}slash,\n\ttab, NULL, \u{1f600} and \u0001';
  const full = {
    a: -1,
    b: 2 ** 31 - 1,
    c: 9007199254740993n,
    d: 1.5e-7,
    e: true,
    f: text,
    g: JSON.stringify({ text }),
    h: Buffer.from([0, 34, 92, 255]),
    i: new Date('2026-02-03T04:05:06.789Z'),
    j: [1, -2],
    k: [1, 2n],
    l: [text, '', 'NULL', '{}'],
  };
  const echo = statement(
    'echo',
    sql<readonly (typeof full | Record<keyof typeof full, null>)[]>`
    WITH input AS (${rowsOf('i', every, (rows) => rows)}) SELECT * FROM input`,
  );

  it('arrive as they were, each type of column, with what is hard to quote', async () => {
    const { rows } = await db.query(echo([full]));
    expect(rows).toEqual([{ ...full, g: { text }, k: [1, 2] }]);
  });

  it('may be null in every column, empty in arrays, and infinite where numbers may', async () => {
    const none = Object.fromEntries(Object.keys(every).map((name) => [name, null])) as Record<keyof typeof full, null>;
    const odd = { ...full, d: Number.NEGATIVE_INFINITY, e: false, f: '', j: [], k: [], l: [] };
    const { rows } = await db.query(echo([none, odd]));
    expect(rows).toEqual([none, { ...odd, g: { text } }]);
  });

  it('may be undefined, which is NULL', async () => {
    const count = statement(
      'count',
      sql<(string | undefined)[]>`
      SELECT count(*) AS rows, count(name) AS names FROM (${rowsOf('n', { name: 'text' }, (names) => names.map((name) => ({ name })))})`,
    );
    expect((await db.query(count(['x', undefined, 'NULL']))).rows).toEqual([{ rows: 3, names: 2 }]);
  });

  it('are one prepared statement for none, one and thousands of them', async () => {
    for (const count of [0, 1, 5_000]) {
      const { rows } = await db.query(echo(Array.from({ length: count }, (_, b) => ({ ...full, b }))));
      expect(rows.map(({ b }) => b)).toEqual(Array.from({ length: count }, (_, b) => b));
    }
    const { rows } = await db.query({ text: "SELECT 1 FROM pg_prepared_statements WHERE name = 'echo'" });
    expect(rows).toHaveLength(1);
  });

  it('of several kinds and single values make one statement that changes several tables', async () => {
    await db.query({ text: 'CREATE TABLE rooms (nid bigint PRIMARY KEY, extremities bigint[])' });
    await db.query({ text: 'CREATE TABLE events (nid bigint, room_nid bigint)' });
    const commit = statement(
      'commit',
      sql<{ rooms: { nid: number; heads: number[] }[]; events: [number, number][] }>`
      WITH made AS (
        INSERT INTO rooms ${rowsOf('r', { nid: 'bigint', heads: 'bigint[]' }, (commit) => commit.rooms)} RETURNING nid),
      added AS (
        INSERT INTO events (nid, room_nid)
        ${rowsOf('e', { nid: 'bigint', room_nid: 'bigint' }, ({ events }) => events.map(([nid, room_nid]) => ({ nid, room_nid })))}
        JOIN made ON made.nid = e.room_nid)
      SELECT nid FROM made ORDER BY nid DESC LIMIT ${({ rooms }) => rooms.length}`,
    );
    const { rows } = await db.query(
      commit({
        rooms: [
          { nid: 1, heads: [10, 11] },
          { nid: 2, heads: [] },
        ],
        events: [
          [10, 1],
          [11, 1],
          [12, 3],
        ],
      }),
    );
    expect(rows).toEqual([{ nid: 2 }, { nid: 1 }]);
    expect((await db.query({ text: 'SELECT extremities FROM rooms ORDER BY nid' })).rows).toEqual([
      { extremities: [10, 11] },
      { extremities: [] },
    ]);
    expect((await db.query({ text: 'SELECT nid FROM events ORDER BY nid' })).rows).toEqual([{ nid: 10 }, { nid: 11 }]);
  });
});
