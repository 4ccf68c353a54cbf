import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ServerNameConfig } from '@ganglion/config';
import { encodeBase64, generateSigningKey, ready } from '@ganglion/protocol';

/**
 * Makes the signing keys that have no file yet and returns their names. A file that exists is never touched, be it that another
 * process on the same folder has just made it.
 */
export async function makeMissingSigningKeys(serverNames: readonly ServerNameConfig[]): Promise<ServerNameConfig[]> {
  const made: ServerNameConfig[] = [];
  for (const serverName of serverNames) {
    const path = serverName.signing_key_path;
    if (existsSync(path)) continue;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (makeFile(path, await newSigningKeyLine())) made.push(serverName);
  }
  return made;
}

/** The file is there as a whole or not at all; false when somebody else was faster. */
function makeFile(path: string, text: string): boolean {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (isThere(error)) return false;
  } finally {
    rmSync(draft, { force: true });
  }
  return makeWithoutLinks(path, text);
}

/** Some file systems know no second name of a file. */
function makeWithoutLinks(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
    return true;
  } catch (error) {
    if (isThere(error)) return false;
    throw error;
  }
}

function isThere(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EEXIST';
}

/** `ed25519 <version> <unpadded base64 seed>`, with a version that no other key has. */
export async function newSigningKeyLine(): Promise<string> {
  await ready();
  const version = `a_${randomBytes(3).toString('hex')}`;
  const { secretKey } = generateSigningKey(version);
  return `ed25519 ${version} ${encodeBase64(secretKey.subarray(0, 32))}\n`;
}
