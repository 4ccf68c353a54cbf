import type { Draining } from '@ganglion/http';
import type { FastifyReply } from 'fastify';

/** Runs something with a signal that is aborted when the client hangs up or this process is about to stop. */
export async function whileConnected<T>(
  draining: Draining,
  reply: FastifyReply,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const abort = () => end.abort();
  const forget = draining.onBegin(abort);
  reply.raw.once('close', abort);
  try {
    return await run(end.signal);
  } finally {
    forget();
    reply.raw.off('close', abort);
  }
}
