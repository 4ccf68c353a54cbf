import { readFile } from 'node:fs/promises';
import type { Config } from '@ganglion/config';
import { decodeBase64, ready, type SigningKey, signingKeyFromSeed } from '@ganglion/protocol';

/**
 * The signing key of each server name, read from its file: one line `ed25519 <version> <unpadded base64 seed>`.
 *
 * @throws Error when a file is missing or holds something else
 */
export async function loadSigningKeys(config: Config): Promise<ReadonlyMap<string, SigningKey>> {
  await ready();
  const entries = config.server_names.map(async ({ name, signing_key_path }) => {
    return [name, await loadSigningKey(signing_key_path)] as const;
  });
  return new Map(await Promise.all(entries));
}

async function loadSigningKey(path: string): Promise<SigningKey> {
  const line = await readFile(path, 'utf8').catch((error: Error) => {
    throw new Error(
      `cannot read the signing key ${path} (${error.message}); make it with ganglion generate-signing-key`,
    );
  });
  const [algorithm, version, seed] = line.trim().split(/\s+/);
  if (algorithm !== 'ed25519' || version === undefined || seed === undefined) {
    throw new Error(`${path} does not hold a signing key: expected ed25519 <version> <unpadded base64 seed>`);
  }
  return signingKeyFromSeed(version, decodeBase64(seed));
}
