import { hasRightLengths } from './json-signature.js';
import type { SignatureCheck, SignatureVerifier } from './signature-verifier.js';

/** So many signatures at least are worth a message to a thread. */
const SMALLEST_CHUNK = 8;

/** Idle threads end: a replica with nothing to verify costs nothing. */
const IDLE_MILLISECONDS = 30_000;

/**
 * A verifier that leaves this thread free: batches are cut up and checked on worker threads. It needs Node.
 *
 * Its `verify` rejects when a thread dies or the verifier was closed; nothing is known of the signatures then.
 */
export async function createWorkerPoolVerifier({ threads }: { readonly threads: number }): Promise<SignatureVerifier> {
  // Loaded here alone, so that whoever verifies in thread needs no Node and no pool.
  const { Piscina } = await import('piscina');
  const pool = new Piscina({
    filename: workerFile(),
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: IDLE_MILLISECONDS,
  });
  return {
    verify: async (checks) => {
      const chunks = chunksOf(checks, Math.max(SMALLEST_CHUNK, Math.ceil(checks.length / threads)));
      const results = await Promise.all(chunks.map((chunk) => verifyChunk(chunk, (sound) => pool.run(sound))));
      return results.flat();
    },
    close: () => pool.close({ force: true }),
  };
}

/** The worker runs as it is, compiled or not: it imports nothing of this library. */
function workerFile(): string {
  return new URL(import.meta.url.endsWith('.ts') ? './verify-worker.ts' : './verify-worker.js', import.meta.url).href;
}

/** Signatures of wrong lengths are settled here; what libsodium is asked it can answer. */
async function verifyChunk(
  checks: readonly SignatureCheck[],
  run: (sound: readonly SignatureCheck[]) => Promise<boolean[]>,
): Promise<boolean[]> {
  const sound = checks.map(({ signature, publicKey }) => hasRightLengths(signature, publicKey));
  const results = await run(checks.filter((_, index) => sound[index]).map(copy));
  let next = 0;
  return sound.map((isSound) => isSound && results[next++] === true);
}

/** A view on a larger buffer would be sent with all of that buffer. */
function copy({ message, signature, publicKey }: SignatureCheck): SignatureCheck {
  return {
    message: new Uint8Array(message),
    signature: new Uint8Array(signature),
    publicKey: new Uint8Array(publicKey),
  };
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let from = 0; from < items.length; from += size) chunks.push(items.slice(from, from + size));
  return chunks;
}
