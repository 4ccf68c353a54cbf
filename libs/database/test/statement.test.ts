import { describeStatement } from '../src/statement.js';

describe('what a log says about a statement', () => {
  const cases: [unknown, string][] = [
    [{ name: 'insert-event', text: 'INSERT …' }, 'insert-event'],
    ["SELECT *\n  FROM t -- 'a remark'\n WHERE a = 'it''s secret'", 'SELECT * FROM t WHERE a = ?'],
    [{ text: 'SELECT $1, 42, 4.5, t2.a FROM t2 LIMIT 10' }, 'SELECT $1, ?, ?, t2.a FROM t2 LIMIT ?'],
    [{ text: 'DO $$ secret $$; DO $x$ secret $x$' }, 'DO ?; DO ?'],
    [{ text: `SELECT ${'x'.repeat(1000)}` }, `SELECT ${'x'.repeat(293)}…`],
    [undefined, 'unknown'],
  ];

  it.each(cases)('%j', (statement, expected) => {
    expect(describeStatement(statement)).toBe(expected);
  });
});
