import type { RoomVersionRules } from '../rooms/room-version.js';

/** A server's public key with all that is known of its validity. */
export interface VerifyKey {
  readonly publicKey: Uint8Array;
  /** `valid_until_ts`, but never more than seven days after the key was received. Absent for an old key. */
  readonly validUntilTs?: number;
  /** `expired_ts` of an old key: it signed nothing after this moment. */
  readonly expiredTs?: number;
}

/** The key of a server by its id, if known. */
export type VerifyKeyLookup = (serverName: string, keyId: string) => VerifyKey | undefined;

/**
 * True when a key may have signed an event at this moment. `valid_until_ts` counts from room version 5 on only.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v5/#signing-key-validity-period
 */
export function isKeyValidAt(key: VerifyKey, originServerTs: number, rules: RoomVersionRules): boolean {
  if (key.expiredTs !== undefined) return originServerTs <= key.expiredTs;
  return !rules.enforceKeyValidity || (key.validUntilTs !== undefined && originServerTs <= key.validUntilTs);
}
