import type { VerifyKey } from '@ganglion/protocol';

/** What is known of the keys of one server, by their ids. */
export type KeysOfServer = ReadonlyMap<string, VerifyKey>;

/** Keys of one server that somebody needs. */
export interface WantedKeys {
  readonly serverName: string;
  /** All of its keys when empty. */
  readonly keyIds: readonly string[];
  /** Until when a current key must be valid at least, in milliseconds since the epoch. */
  readonly minimumValidUntilTs: number;
}

/** Whether what is known is all that is wanted. A key of the past is as good as ever. */
export function satisfies(known: KeysOfServer | undefined, { keyIds, minimumValidUntilTs }: WantedKeys): boolean {
  if (known === undefined) return false;
  const isGood = (key: VerifyKey | undefined) =>
    key !== undefined && (key.expiredTs !== undefined || (key.validUntilTs ?? 0) >= minimumValidUntilTs);
  if (keyIds.length > 0) return keyIds.every((keyId) => isGood(known.get(keyId)));
  return [...known.values()].some((key) => key.expiredTs === undefined && isGood(key));
}
