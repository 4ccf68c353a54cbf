import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeMissingSigningKeys } from '../src/signing-key-file.js';

it('processes that start at the same time on one folder have the same signing key', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ganglion-keys-'));
  const path = join(folder, 'keys', 'one.test.key');
  const names = [{ name: 'one.test', signing_key_path: path }] as Parameters<typeof makeMissingSigningKeys>[0];
  const made = await Promise.all(Array.from({ length: 5 }, () => makeMissingSigningKeys(names)));
  expect(made.flat()).toHaveLength(1);
  expect(await readFile(path, 'utf8')).toMatch(/^ed25519 a_\w+ \S{43}\n$/);
  expect(await readdir(join(folder, 'keys'))).toEqual(['one.test.key']);
  await rm(folder, { recursive: true });
});
