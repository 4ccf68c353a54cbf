import type { Piscina } from 'piscina';
import { hasRightLengths } from './json-signature.js';
import { packChecks } from './packed-checks.js';
import type { SignatureCheck, SignatureVerifier } from './signature-verifier.js';

/** So many signatures at least are worth a message to a thread. */
const SMALLEST_CHUNK = 8;

/** Idle threads end: a replica with nothing to verify costs nothing. */
const IDLE_MILLISECONDS = 30_000;

/**
 * A verifier that leaves this thread free: batches are cut up and checked on worker threads. It needs Node.
 *
 * Its `verify` rejects when a thread dies or the verifier was closed; nothing is known of the signatures then. Its `close`
 * waits for what had begun.
 */
export async function createWorkerPoolVerifier({ threads }: { readonly threads: number }): Promise<SignatureVerifier> {
  const pool = await createPool(threads);
  const running = new Set<Promise<boolean[]>>();
  let closed = false;
  return {
    async verify(checks) {
      if (closed) throw new Error('The verifier was closed');
      const results = verifyInChunks(checks, threads, (sound) => pool.run(packChecks(sound)));
      running.add(results);
      return results.finally(() => running.delete(results));
    },
    async close() {
      closed = true;
      await Promise.allSettled(running);
      await pool.destroy();
    },
  };
}

async function createPool(threads: number): Promise<Piscina> {
  // Loaded here alone, so that whoever verifies in thread needs no Node and no pool.
  const { Piscina: Pool } = await import('piscina');
  const pool = new Pool({
    filename: workerFile(),
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: IDLE_MILLISECONDS,
  });
  // A thread that dies at work rejects its batch; one that dies idle is no loss, and must not end the process.
  pool.on('error', () => {});
  return pool;
}

type Run = (checks: readonly SignatureCheck[]) => Promise<boolean[]>;

async function verifyInChunks(checks: readonly SignatureCheck[], threads: number, run: Run): Promise<boolean[]> {
  const size = Math.max(SMALLEST_CHUNK, Math.ceil(checks.length / threads));
  const results = await Promise.all(chunksOf(checks, size).map((chunk) => verifyChunk(chunk, run)));
  return results.flat();
}

/** The worker runs as it is, compiled or not: it imports nothing of this library. */
function workerFile(): string {
  const isCompiled = !import.meta.url.endsWith('.ts');
  const file = isCompiled
    ? new URL('./verify-worker.js', import.meta.url)
    : new URL('./verify-worker.ts', import.meta.url);
  return file.href;
}

/** Signatures of wrong lengths are settled here; what libsodium is asked it can answer. */
async function verifyChunk(checks: readonly SignatureCheck[], run: Run): Promise<boolean[]> {
  const sound = checks.map(({ signature, publicKey }) => hasRightLengths(signature, publicKey));
  const asked = checks.filter((_, index) => sound[index]);
  const results = asked.length === 0 ? [] : await run(asked);
  let next = 0;
  return sound.map((isSound) => isSound && results[next++] === true);
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let from = 0; from < items.length; from += size) chunks.push(items.slice(from, from + size));
  return chunks;
}
