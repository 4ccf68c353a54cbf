import { encodeBase64 } from './base64.js';
import { type Signed, signJson } from './json-signature.js';
import type { SigningKey } from './signing-key.js';

/** What a server publishes about its keys: see `parseServerKeys` for how others read it. */
export interface PublishedServerKeys extends Signed {
  readonly server_name: string;
  readonly valid_until_ts: number;
  readonly verify_keys: { readonly [keyId: string]: { readonly key: string } };
  readonly old_verify_keys: { readonly [keyId: string]: { readonly key: string; readonly expired_ts: number } };
}

/** A key that a server signed with in former times. */
export interface OldVerifyKey {
  /** Such as `ed25519:a_1`. */
  readonly key_id: string;
  /** Unpadded base64. */
  readonly key: string;
  /** It signed nothing after this moment, in milliseconds since the epoch. */
  readonly expired_ts: number;
}

/**
 * What a server with one key publishes about it, and about those that it had before, signed with that key.
 *
 * @param validUntilTs until when others may rely on the answer, in milliseconds since the epoch
 * @see https://spec.matrix.org/v1.19/server-server-api/#publishing-keys
 */
export function publishServerKeys(
  serverName: string,
  key: SigningKey,
  validUntilTs: number,
  old: readonly OldVerifyKey[] = [],
): PublishedServerKeys {
  const keys = {
    server_name: serverName,
    valid_until_ts: validUntilTs,
    verify_keys: { [key.keyId]: { key: encodeBase64(key.publicKey) } },
    old_verify_keys: Object.fromEntries(
      old.map(({ key_id, key: text, expired_ts }) => [key_id, { key: text, expired_ts }]),
    ),
  };
  return signJson(keys, serverName, key);
}
