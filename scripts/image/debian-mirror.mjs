import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';

const APT = '/etc/apt';

/**
 * Where Debian's archive is: what DEBIAN_MIRROR says, or else where this machine's own apt has it from.
 *
 * @throws {Error} when neither says
 */
export async function debianMirror(env = process.env) {
  const named = env.DEBIAN_MIRROR ?? (await mirrorOf(APT));
  if (named === undefined)
    throw new Error("Set DEBIAN_MIRROR to the URL of a mirror of Debian's archive, such as your nearest one");
  return named;
}

async function mirrorOf(folder) {
  const lists = join(folder, 'sources.list.d');
  const more = (await readdir(lists).catch(() => [])).sort().map((name) => join(lists, name));
  for (const file of [join(folder, 'sources.list'), ...more]) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const found = /^(?:URIs:|deb(?: \[[^\]]*\])?) *(https?:\S*\/debian)\/?(?:\s|$)/m.exec(text);
    if (found) return found[1];
  }
  return undefined;
}
