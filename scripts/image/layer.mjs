import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';

/** Every file of the image has this time, so that the same files make the same bytes. */
const TIME = new Date(0);
/** Where a process that is not root may write. */
const WRITABLE = new Map([
  ['tmp', { mode: 0o1777 }],
  ['var/lib/ganglion', { mode: 0o750, uid: 10001, gid: 10001 }],
]);

/**
 * A folder as a layer of an image. It depends on names, contents and who may execute: on no clock, owner or order of the disk.
 *
 * @returns {Promise<{ blob: Buffer, digest: string, diffId: string }>} digests with `sha256:`
 */
export async function layerOf(folder) {
  const pack = tar.pack();
  const chunks = [];
  pack.on('data', (chunk) => chunks.push(chunk));
  const done = new Promise((resolve, reject) => pack.on('end', resolve).on('error', reject));
  for (const path of await pathsBelow(folder)) await add(pack, folder, path);
  pack.finalize();
  await done;
  const plain = Buffer.concat(chunks);
  const blob = gzipSync(plain, { level: 9 });
  // Which system compressed it.
  blob[9] = 255;
  return { blob, digest: digestOf(blob), diffId: digestOf(plain) };
}

async function pathsBelow(folder, path = '') {
  const entries = await readdir(join(folder, path), { withFileTypes: true });
  const names = entries.map((entry) => ({ entry, path: path === '' ? entry.name : `${path}/${entry.name}` }));
  const nested = await Promise.all(
    names.map(async ({ entry, path }) => [path, ...(entry.isDirectory() ? await pathsBelow(folder, path) : [])]),
  );
  return nested.flat().sort();
}

async function add(pack, folder, path) {
  const source = join(folder, path);
  const stat = await lstat(source);
  const common = { name: path, mtime: TIME, uid: 0, gid: 0, uname: '', gname: '' };
  if (stat.isSymbolicLink()) {
    pack.entry({ ...common, type: 'symlink', linkname: await readlink(source), mode: 0o777 });
  } else if (stat.isDirectory()) {
    pack.entry({ ...common, mode: 0o755, ...WRITABLE.get(path), type: 'directory' });
  } else {
    pack.entry({ ...common, mode: stat.mode & 0o111 ? 0o755 : 0o644 }, await readFile(source));
  }
}

/** As OCI writes it. */
export function digestOf(bytes) {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
