import {
  canonicalJsonString,
  decodeBase64,
  type OldVerifyKey,
  publishServerKeys,
  type SigningKey,
  type VerifyKey,
} from '@ganglion/protocol';
import type { KeysOfServer } from './keys/known-keys.js';

/** How long other servers may go on using an answer without asking again. */
const VALID_MS = 24 * 60 * 60 * 1000;
/** How long we give the same answer: who asks often costs no signatures. */
const REPEATED_MS = 60 * 60 * 1000;

/** A server name of ours, with the keys that it had before. */
export interface ServerWithOldKeys {
  readonly name: string;
  readonly old_verify_keys?: readonly OldVerifyKey[];
}

/**
 * What our servers publish about their keys, as canonical JSON: what is signed is what is sent, to the byte.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#publishing-keys
 */
export class PublishedKeys {
  readonly #answers = new Map<string, { readonly json: string; readonly until: number }>();

  constructor(
    private readonly keys: ReadonlyMap<string, SigningKey>,
    private readonly servers: readonly ServerWithOldKeys[] = [],
  ) {}

  /** Undefined for a server name that has no key here. */
  of(serverName: string): string | undefined {
    const known = this.#answers.get(serverName);
    const now = Date.now();
    if (known !== undefined && known.until > now) return known.json;
    const key = this.keys.get(serverName);
    if (key === undefined) return undefined;
    const old = oldKeys(serverName, this.servers);
    const json = canonicalJsonString({ ...publishServerKeys(serverName, key, now + VALID_MS, old) });
    this.#answers.set(serverName, { json, until: now + REPEATED_MS });
    return json;
  }
}

/** The keys of one of our servers, as others would know them. */
export function ownKeys(
  serverName: string,
  keys: ReadonlyMap<string, SigningKey>,
  servers: readonly ServerWithOldKeys[],
): KeysOfServer | undefined {
  const key = keys.get(serverName);
  if (key === undefined) return undefined;
  const old = oldKeys(serverName, servers).map(
    ({ key_id, key: publicKey, expired_ts }) =>
      [key_id, { publicKey: decodeBase64(publicKey), expiredTs: expired_ts }] as const,
  );
  return new Map<string, VerifyKey>([
    ...old,
    [key.keyId, { publicKey: key.publicKey, validUntilTs: Date.now() + VALID_MS }],
  ]);
}

function oldKeys(serverName: string, servers: readonly ServerWithOldKeys[]): readonly OldVerifyKey[] {
  return servers.find(({ name }) => name === serverName)?.old_verify_keys ?? [];
}
