import { execFile } from 'node:child_process';
import { copyFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { MODULES, ROOT } from '../launcher/paths.mjs';
import { folderWith } from './support.js';

/** The names of the rules that these files break. */
async function broken(files: Record<string, string>): Promise<string[]> {
  const folder = folderWith({
    'package.json': '{"type":"module"}',
    'libs/a/x.ts': '',
    'services/a/x.ts': '',
    ...files,
  });
  copyFileSync(join(ROOT, '.dependency-cruiser.mjs'), join(folder, '.dependency-cruiser.mjs'));
  symlinkSync(MODULES, join(folder, 'node_modules'));
  const args = ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'libs', 'services'];
  const output = await new Promise<string>((resolve) => {
    execFile(join(MODULES, '.bin/depcruise'), args, { cwd: folder, maxBuffer: 1 << 26 }, (_, stdout) =>
      resolve(stdout),
    );
  });
  const { summary } = JSON.parse(output) as { summary: { violations: { rule: { name: string } }[] } };
  return [...new Set(summary.violations.map(({ rule }) => rule.name))].sort();
}

const USED = 'export const used = 1;';

it.each<[string, Record<string, string>, string[]]>([
  [
    'a service may use a library, and its domain may compute',
    {
      'libs/protocol/src/index.ts': USED,
      'services/sync/src/domain/a.ts': `import { createHash } from 'node:crypto';
        import { used } from '../../../../libs/protocol/src/index.js'; export { createHash, used };`,
      'services/sync/src/storage/b.ts': `export * from '../domain/a.js';`,
      'services/all-in-one/src/c.ts': `export * from '../../sync/src/storage/b.js';`,
    },
    [],
  ],
  [
    'a library uses a service',
    { 'services/sync/src/a.ts': USED, 'libs/http/src/b.ts': `export * from '../../../services/sync/src/a.js';` },
    ['libs-never-import-services'],
  ],
  [
    'a service uses another, if only for a type',
    {
      'services/sync/src/a.ts': 'export type A = 1;',
      'services/push/src/b.ts': `import type { A } from '../../sync/src/a.js'; export type B = A;`,
    },
    ['no-service-imports-another'],
  ],
  [
    'a domain does IO itself',
    { 'services/sync/src/domain/a.ts': `import { readFile } from 'node:fs/promises'; export { readFile };` },
    ['domain-without-modules-that-do-io'],
  ],
  [
    'a domain does IO by a library of ours',
    {
      'libs/database/src/index.ts': USED,
      'services/sync/src/domain/a.ts': `export * from '../../../../libs/database/src/index.js';`,
    },
    ['domain-without-libs-that-do-io'],
  ],
  [
    'a domain knows its adapter',
    { 'services/sync/src/storage/b.ts': USED, 'services/sync/src/domain/a.ts': `export * from '../storage/b.js';` },
    ['domain-knows-no-adapter'],
  ],
  [
    'the protocol reads the clock of the event loop',
    { 'libs/protocol/src/a.ts': `import { setTimeout } from 'node:timers/promises'; export { setTimeout };` },
    ['protocol-is-pure'],
  ],
  [
    'the protocol uses another library',
    { 'libs/bus/src/index.ts': USED, 'libs/protocol/src/a.ts': `export * from '../../bus/src/index.js';` },
    ['protocol-is-pure'],
  ],
  [
    'two files use each other',
    { 'libs/bus/src/a.ts': `export * from './b.js';`, 'libs/bus/src/b.ts': `export * from './a.js';` },
    ['no-cycles'],
  ],
  ['a file is not there', { 'libs/bus/src/a.ts': `export * from './b.js';` }, ['everything-is-found']],
])('%s', async (_, files, rules) => {
  expect(await broken(files)).toEqual(rules);
});
