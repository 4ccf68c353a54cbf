import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { TOOLS } from '../launcher/paths.mjs';

const CACHE = join(TOOLS, 'image');

/**
 * A file by what is in it: from the cache, or else from this address.
 *
 * @param {string} algorithm of the digest, such as sha256
 * @param {string} digest in hex
 * @returns {Promise<Buffer>}
 * @throws {Error} when it has another one, or none
 */
export async function fetchByDigest(url, algorithm, digest) {
  const cached = join(CACHE, digest);
  const known = await readFile(cached).catch(() => undefined);
  if (known !== undefined && digestOf(known, algorithm) === digest) return known;
  const bytes = await fetchBytes(url);
  if (digestOf(bytes, algorithm) !== digest) throw new Error(`${url} is not what deploy/image.lock.json pins`);
  return keep(cached, bytes);
}

async function fetchBytes(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(300_000) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

async function keep(path, bytes) {
  await mkdir(CACHE, { recursive: true });
  await writeFile(`${path}.${process.pid}`, bytes);
  await rename(`${path}.${process.pid}`, path);
  return bytes;
}

function digestOf(bytes, algorithm) {
  return createHash(algorithm).update(bytes).digest('hex');
}
