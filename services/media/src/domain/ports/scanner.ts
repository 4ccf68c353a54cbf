import type { Readable } from 'node:stream';

/** Bytes that are to be judged before anybody gets them. */
export interface JudgedBytes {
  readonly bytes: number;
  readonly sha256: Buffer;
  open(): Promise<Readable>;
}

/** `undefined`: nothing speaks against it; else what does. */
export type Verdict = { readonly refusedBecause: string } | undefined;

/** Judges files, such as by looking for viruses. */
export interface Scanner {
  /** @throws ScannerUnavailableError when there is no verdict */
  judge(file: JudgedBytes): Promise<Verdict>;
}

/** Nobody could say whether a file is good. */
export class ScannerUnavailableError extends Error {
  override readonly name = 'ScannerUnavailableError';
}
