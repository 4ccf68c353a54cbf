import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runQuietly } from '../launcher/run.mjs';

/**
 * Lays Node itself into a folder, as /usr/bin/node, with its licence.
 *
 * @param {{ name: string, version: string, integrity: string }} pinned
 * @throws {Error} when the registry has another package under this version than the one that is pinned
 */
export async function layNode(folder, { name, version, integrity }) {
  const scratch = await mkdtemp(join(tmpdir(), 'ganglion-node-'));
  try {
    await runQuietly('npm', ['pack', `${name}@${version}`, '--pack-destination', scratch]);
    const [file] = await readdir(scratch);
    const [algorithm] = integrity.split('-');
    const found = createHash(algorithm)
      .update(await readFile(join(scratch, file)))
      .digest('base64');
    if (`${algorithm}-${found}` !== integrity)
      throw new Error(`${name}@${version} is not what deploy/image.lock.json pins`);
    await runQuietly('tar', ['-xzf', join(scratch, file), '-C', scratch]);
    await mkdir(join(folder, 'usr/bin'), { recursive: true });
    await cp(join(scratch, 'package/bin/node'), join(folder, 'usr/bin/node'));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
