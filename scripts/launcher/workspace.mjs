import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODULES, ROOT } from './paths.mjs';
import { runQuietly } from './run.mjs';
import { step } from './say.mjs';
import { fingerprint, Stamp } from './stamp.mjs';
import { toolEnvironment } from './toolchain.mjs';

const installed = new Stamp(join(MODULES, '.ganglion-installed'));
const built = new Stamp(join(MODULES, '.ganglion-built'));

/** Installs the dependencies when the lock file is not the one that they were installed from. */
export async function ensureDependencies() {
  const lock = readFileSync(join(ROOT, 'pnpm-lock.yaml'), 'utf8');
  if (installed.is(lock)) return;
  await step('installing the dependencies', () =>
    runQuietly('pnpm', ['install', '--frozen-lockfile'], { cwd: ROOT, env: { ...toolEnvironment(), CI: 'true' } }),
  );
  installed.set(lock);
}

/** Builds every package when a source has changed since it was done last. */
export async function ensureBuild() {
  const sources = buildInputs();
  const state = fingerprint(sources);
  if (built.is(state) && everythingIsBuilt()) return;
  await step('building', () => turbo('build'));
  built.set(fingerprint(sources));
}

/** Runs a task of turbo.json. */
export function turbo(...tasks) {
  return runQuietly('turbo', ['run', ...tasks, '--ui=stream', '--output-logs=errors-only'], {
    cwd: ROOT,
    env: toolEnvironment(),
  });
}

function packageFolders(groups) {
  return groups.flatMap((group) =>
    readdirSync(join(ROOT, group))
      .map((name) => join(ROOT, group, name))
      .filter((folder) => existsSync(join(folder, 'package.json'))),
  );
}

function buildInputs() {
  const shared = ['package.json', 'pnpm-lock.yaml', 'tsconfig.base.json', 'turbo.json', 'proto'];
  const own = ['package.json', 'tsconfig.json', 'bundle', 'src'];
  return [
    ...shared.map((name) => join(ROOT, name)),
    ...packageFolders(['libs', 'services', 'test']).flatMap((folder) => own.map((name) => join(folder, name))),
  ];
}

function everythingIsBuilt() {
  return packageFolders(['libs', 'services']).every((folder) => existsSync(join(folder, 'dist')));
}
