import { encodeBase64, type SigningKey, signJson } from '@ganglion/protocol';

/** How long other servers may go on using the answer without asking again. */
const VALID_MS = 24 * 60 * 60 * 1000;

/**
 * The keys of one of our server names, signed by themselves.
 *
 * @param now milliseconds since the epoch
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixkeyv2server
 */
export function serverKeys(serverName: string, key: SigningKey, now: number) {
  const keys = {
    server_name: serverName,
    valid_until_ts: now + VALID_MS,
    verify_keys: { [key.keyId]: { key: encodeBase64(key.publicKey) } },
    old_verify_keys: {},
  };
  return signJson(keys, serverName, key);
}
