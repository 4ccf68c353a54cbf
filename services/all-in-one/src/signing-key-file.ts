import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ServerNameConfig } from '@ganglion/config';
import { encodeBase64, generateSigningKey, ready } from '@ganglion/protocol';

/** Makes the signing keys that have no file yet and returns their names. A file that exists is never touched. */
export async function makeMissingSigningKeys(serverNames: readonly ServerNameConfig[]): Promise<ServerNameConfig[]> {
  const missing = serverNames.filter(({ signing_key_path }) => !existsSync(signing_key_path));
  for (const { signing_key_path } of missing) {
    mkdirSync(dirname(signing_key_path), { recursive: true, mode: 0o700 });
    writeFileSync(signing_key_path, await newSigningKeyLine(), { mode: 0o600, flag: 'wx' });
  }
  return missing;
}

/** `ed25519 <version> <unpadded base64 seed>`, with a version that no other key has. */
export async function newSigningKeyLine(): Promise<string> {
  await ready();
  const version = `a_${randomBytes(3).toString('hex')}`;
  const { secretKey } = generateSigningKey(version);
  return `ed25519 ${version} ${encodeBase64(secretKey.subarray(0, 32))}\n`;
}
