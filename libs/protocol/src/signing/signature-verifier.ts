import { verifyBytes } from './json-signature.js';

/** One Ed25519 signature to check. */
export interface SignatureCheck {
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** Checks many signatures at once, in this thread or in others. */
export interface SignatureVerifier {
  /** Whether each signature is valid, in the order asked. */
  verify(checks: readonly SignatureCheck[]): Promise<boolean[]>;
  /** Frees what the verifier holds. Nothing can be verified after. */
  close(): Promise<void>;
}

/** Checks in the thread that asks: best for a few signatures, and everywhere where there are no worker threads. */
export class InThreadVerifier implements SignatureVerifier {
  async verify(checks: readonly SignatureCheck[]): Promise<boolean[]> {
    return checks.map(({ message, signature, publicKey }) => verifyBytes(message, signature, publicKey));
  }

  async close(): Promise<void> {}
}
