import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { ROOT, TOOLS } from '../launcher/paths.mjs';
import { runQuietly } from '../launcher/run.mjs';

/** Programs of Node live a year later. */
const LATER = `data:text/javascript,${encodeURIComponent(`
const later = () => Now.now() + ${365 * 24 * 3_600_000};
const Now = Date;
globalThis.Date = new Proxy(Now, {
  construct: (target, given, by) => Reflect.construct(target, given.length === 0 ? [later()] : given, by),
  get: (target, name) => (name === 'now' ? later : Reflect.get(target, name)),
});
`)}`;

/**
 * Makes the image of this commit once more: of a clone in another folder, built from nothing, by somebody with another clock, time zone,
 * language and umask.
 *
 * @param {string} arch as for `npm run image`
 * @param {string} out the folder for the layout
 * @throws {Error} when what is here was not committed
 */
export async function makeAgain(arch, out) {
  const git = (...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  if (git('status', '--porcelain', '--untracked-files=no') !== '')
    throw new Error('Commit first: a commit is made again');
  const scratch = await mkdtemp(join(tmpdir(), 'ganglion-again-'));
  try {
    const clone = join(scratch, 'a clone elsewhere');
    git('clone', '--quiet', '--no-local', '--no-tags', ROOT, clone);
    await symlink(TOOLS, join(clone, '.tools'));
    const command = [process.execPath, join(clone, 'scripts/launch.mjs'), 'image', '--arch', arch, '--out', out];
    const env = { ...process.env, TZ: 'Pacific/Auckland', LC_ALL: 'C', NODE_OPTIONS: `--import=${LATER}` };
    await runQuietly('sh', ['-c', 'umask 077; exec "$@"', 'sh', ...command], { cwd: clone, env });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * What two layouts do not have in common: the names of files that are in one of them alone, or are not the same in both.
 *
 * @returns {Promise<string[]>}
 */
export async function differences(one, other) {
  const [a, b] = await Promise.all([filesOf(one), filesOf(other)]);
  const same = async (name) =>
    b.has(name) && (await readFile(join(one, name))).equals(await readFile(join(other, name)));
  const found = [...b].filter((name) => !a.has(name));
  for (const name of a) if (!(await same(name))) found.push(name);
  return found.sort();
}

async function filesOf(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return new Set(files.map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1)));
}
