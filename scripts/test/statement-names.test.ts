import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../launcher/paths.mjs';

/** As a query names its statement, or `statement` of libs/database does. */
const NAMES = /\bname: (?:'([\w-]+)'|`([^`]+)`),\s*(?:\/\/[^\n]*\s*)*text\b|\bstatement\(\s*'([\w-]+)'/g;

/** Each name of a statement in a source, with where it stands. */
function namesIn(source: string, file: string): { name: string; place: string }[] {
  return [...source.matchAll(NAMES)].map(({ index, 1: plain, 2: template, 3: built }) => {
    const line = source.slice(0, index).split('\n').length;
    return { name: plain ?? template ?? built ?? '', place: `${file}:${line}` };
  });
}

const doubled = (found: readonly { name: string; place: string }[]) => {
  const places = Map.groupBy(found, ({ name }) => name);
  return [...places]
    .filter(([, those]) => those.length > 1)
    .map(([name, those]) => `${name}: ${those.map(({ place }) => place).join(', ')}`);
};

it('two statements never have one name: a connection would run the one that it has prepared in the place of the other', () => {
  const files = globSync(['services/*/src/**/*.ts', 'libs/*/src/**/*.ts'], { cwd: ROOT });
  const found = files.flatMap((file) => namesIn(readFileSync(join(ROOT, file), 'utf8'), file));
  expect(found.length).toBeGreaterThan(100);
  expect(doubled(found)).toEqual([]);
});

it('a name is found however its statement is written', () => {
  const source =
    "query({ name: 'one', text: '' }); query({\n  name: 'two',\n  // Because.\n  text: `x` });\nstatement(\n  'two', sql``)";
  expect(namesIn(source, 'a.ts')).toEqual([
    { name: 'one', place: 'a.ts:1' },
    { name: 'two', place: 'a.ts:2' },
    { name: 'two', place: 'a.ts:5' },
  ]);
  expect(doubled(namesIn(source, 'a.ts'))).toEqual(['two: a.ts:2, a.ts:5']);
});
