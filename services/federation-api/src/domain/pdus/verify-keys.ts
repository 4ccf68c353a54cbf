import type { ServerKeyRing, ServerKeysWanted } from '@ganglion/contracts/federation';
import { isValidServerKeyId, isValidServerName, type VerifyKey, type VerifyKeyLookup } from '@ganglion/protocol';

/** Keys with which something was signed at a moment. */
export interface SignedWith {
  readonly serverName: string;
  readonly keyIds: readonly string[];
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What to ask the ring for: each server once. Nobody needs a key that is valid in the future. */
export function wantedKeys(signatures: readonly SignedWith[], now = Date.now()): ServerKeysWanted[] {
  const servers = new Map<string, { keyIds: Set<string>; at: number }>();
  for (const { serverName, keyIds, at } of signatures) {
    const ids = keyIds.filter((keyId) => isValidServerKeyId(keyId));
    if (ids.length === 0 || !isValidServerName(serverName)) continue;
    const wanted = servers.get(serverName) ?? { keyIds: new Set(), at: 0 };
    for (const id of ids) wanted.keyIds.add(id);
    wanted.at = Math.max(wanted.at, Math.min(at, now));
    servers.set(serverName, wanted);
  }
  return [...servers].map(([serverName, { keyIds, at }]) => ({
    serverName,
    keyIds: [...keyIds],
    minimumValidUntilTs: at,
  }));
}

/** The keys as the ring has them now. */
export async function keyLookup(ring: ServerKeyRing, wanted: ServerKeysWanted[]): Promise<VerifyKeyLookup> {
  if (wanted.length === 0) return () => undefined;
  const { servers } = await ring.getServerKeys({ wanted });
  const known = new Map<string, VerifyKey>();
  for (const { serverName, keys } of servers) {
    for (const { keyId, publicKey, validUntilTs, expiredTs } of keys) {
      known.set(`${serverName} ${keyId}`, {
        publicKey,
        ...(validUntilTs !== undefined && { validUntilTs }),
        ...(expiredTs !== undefined && { expiredTs }),
      });
    }
  }
  return (serverName, keyId) => known.get(`${serverName} ${keyId}`);
}
