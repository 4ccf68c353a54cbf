import type { DeviceName, UploadedKey } from './key-store.js';

/** A key of one algorithm that somebody wants of a device. */
export interface WantedKey extends DeviceName {
  readonly algorithm: string;
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
   * Gives out the oldest one-time key of each, or else the fallback key. No one-time key is given out twice, whoever asks
   * at the same time.
   */
  claim(wanted: readonly WantedKey[]): Promise<ClaimedKey[]>;
  /** In the order asked. */
  counts(devices: readonly DeviceName[]): Promise<KeyCounts[]>;
  /** Forgets keys that were given out long ago. */
  forgetClaimed(olderThanMs: number): Promise<void>;
}
