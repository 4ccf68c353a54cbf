import type { RoomVersionRules } from '../rooms/room-version.js';

/** A server's public key with all that is known of its validity. */
export interface VerifyKey {
  readonly publicKey: Uint8Array;
  /** Of a current key: until when it may be relied on, at most seven days from when it was received. */
  readonly validUntilTs?: number;
  /** Of an old key: it signed nothing after this moment. */
  readonly expiredTs?: number;
}

/** The key of a server by its id, if known. */
export type VerifyKeyLookup = (serverName: string, keyId: string) => VerifyKey | undefined;

/**
 * True when a key may have signed an event of this moment. An old key ends at `expired_ts` in every room version;
 * `valid_until_ts` binds a current one from room version 5 on.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 * @see https://spec.matrix.org/v1.19/rooms/v5/#signing-key-validity-period
 */
export function isKeyValidAt(
  key: VerifyKey,
  originServerTs: number,
  rules: Pick<RoomVersionRules, 'enforceKeyValidity'>,
): boolean {
  if (key.expiredTs !== undefined) return originServerTs <= key.expiredTs;
  return !rules.enforceKeyValidity || (key.validUntilTs !== undefined && originServerTs <= key.validUntilTs);
}
