import type { DeviceName, UploadedKey } from './key-store.js';

/** A key of one algorithm that somebody wants of a device. */
export interface WantedKey extends DeviceName {
  readonly algorithm: string;
}

/** So many keys of one algorithm of a device. */
export interface WantedKeys extends WantedKey {
  readonly count: number;
}

export interface ClaimedKey extends DeviceName, Omit<UploadedKey, 'publicKey'> {
  /** Whether it is a fallback key. */
  readonly isFallback: boolean;
}

/** What a device has left. */
export interface KeyCounts {
  readonly oneTimeKeys: Readonly<Record<string, number>>;
  readonly unusedFallbackAlgorithms: readonly string[];
}

export interface OneTimeKeyStore {
  /**
   * Gives out the oldest one-time keys, the oldest first, and where there are fewer than are wanted the fallback key, too, once for
   * all who get none of the others. No one-time key is given out twice, whoever asks at the same time.
   *
   * @param wanted of each algorithm of a device at most once
   */
  claim(wanted: readonly WantedKeys[]): Promise<ClaimedKey[]>;
  /** In the order asked. */
  counts(devices: readonly DeviceName[]): Promise<KeyCounts[]>;
  /** Forgets keys that were given out long ago. */
  forgetClaimed(olderThanMs: number): Promise<void>;
}
