import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { TOOLS } from '../launcher/paths.mjs';

const CACHE = join(TOOLS, 'image');

/**
 * A file by what is in it: from the cache, or from the first of the addresses that has it.
 *
 * @param {string[]} urls
 * @param {string} algorithm of the digest, such as sha256
 * @param {string} digest in hex
 * @returns {Promise<Buffer>}
 * @throws {Error} when none has it
 */
export async function fetchByDigest(urls, algorithm, digest) {
  const cached = join(CACHE, digest);
  const known = await readFile(cached).catch(() => undefined);
  if (known !== undefined && digestOf(known, algorithm) === digest) return known;
  const failures = [];
  for (const url of urls) {
    const bytes = await fetchBytes(url).catch((error) => failures.push(`${url}: ${error.message}`));
    if (!Buffer.isBuffer(bytes)) continue;
    if (digestOf(bytes, algorithm) === digest) return keep(cached, bytes);
    failures.push(`${url}: has something else`);
  }
  throw new Error(`Cannot be fetched:\n${failures.join('\n')}`);
}

async function fetchBytes(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(300_000) });
  if (!response.ok) throw new Error(`answers ${response.status}`);
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
