/** Bytes that should be in the store. */
export interface ExpectedBytes {
  readonly key: string;
  readonly sha256: Buffer;
  readonly bytes: number;
}

/** Which bytes there should be. */
export interface ByteInventory {
  /** Some of those of files and thumbnails, by their keys: those after this one. */
  expected(afterKey: string, most: number): Promise<ExpectedBytes[]>;
  /** Whether a file or a thumbnail has this key. */
  has(key: string): Promise<boolean>;
  /** Which of these keys nothing stands for: no file, no thumbnail, nothing that is being written or removed. */
  unknown(keys: readonly string[]): Promise<string[]>;
}
