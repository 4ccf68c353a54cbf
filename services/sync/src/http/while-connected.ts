import type { Draining } from '@ganglion/http';
import type { FastifyReply } from 'fastify';

/** Runs something with a signal that is aborted when the client hangs up or this process is about to stop, and one for the first alone. */
export async function whileConnected<T>(
  draining: Draining,
  reply: FastifyReply,
  run: (signal: AbortSignal, gone: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const gone = new AbortController();
  const hangUp = () => gone.abort();
  const forget = draining.onBegin(() => end.abort());
  reply.raw.once('close', hangUp);
  try {
    return await run(AbortSignal.any([end.signal, gone.signal]), gone.signal);
  } finally {
    forget();
    reply.raw.off('close', hangUp);
  }
}
