import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findBinaries } from '../src/binaries.js';
import { chooseRunAs } from '../src/run-as.js';

let folder: string;
let dataDir: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganglion-run-as-'));
  dataDir = join(folder, 'data');
  mkdirSync(dataDir);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Another copy of the programs, at the price of a few links. */
async function programsIn(target: string): Promise<{ postgres: string; initdb: string }> {
  const native = dirname(dirname((await findBinaries()).initdb));
  execFileSync('cp', ['-RLl', native, target]);
  return { postgres: join(target, 'bin/postgres'), initdb: join(target, 'bin/initdb') };
}

it('runs programs that lie in a folder that only we may enter', async () => {
  const binaries = await programsIn(join(folder, 'native'));
  chmodSync(folder, 0o700);
  const { prefix, ids } = chooseRunAs(dataDir, binaries);
  const [command = '', ...args] = [...prefix, binaries.initdb, '--show', `--pgdata=${dataDir}`];
  const { status } = spawnSync(command, args, { cwd: '/', ...(prefix.length === 0 ? ids : {}) });
  expect(status).toBe(0);
});

it('never runs them as root', async () => {
  const { ids } = chooseRunAs(dataDir, await findBinaries());
  const isRoot = process.getuid?.() === 0;
  expect(ids === undefined).toBe(!isRoot);
  expect(ids?.uid).not.toBe(0);
});

it('keeps to the owner of the files', async () => {
  chmodSync(folder, 0o755);
  if (process.getuid?.() === 0) execFileSync('chown', ['nobody', dataDir]);
  const { ids } = chooseRunAs(dataDir, await findBinaries());
  expect(ids?.uid ?? process.getuid?.()).toBe(statSync(dataDir).uid);
});
