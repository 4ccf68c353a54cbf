import { setTimeout as sleep } from 'node:timers/promises';
import { isMatrixError, MatrixError } from '@ganglion/contracts';
import type { JsonObject } from '@ganglion/protocol';

/** Why servers could not be asked, by their names. */
export type ServerFailures = Record<string, JsonObject>;

/** What servers have answered, and why others have not. */
export interface RemoteAnswers<T> {
  readonly answers: readonly { readonly serverName: string; readonly answer: T }[];
  readonly failures: ServerFailures;
}

/** Asks servers at once; one that does not answer keeps none of the others waiting, and nobody longer than it may. */
export async function askServers<Request, T>(
  requests: ReadonlyMap<string, Request>,
  ask: (serverName: string, request: Request) => Promise<T>,
): Promise<RemoteAnswers<T>> {
  const answers: { serverName: string; answer: T }[] = [];
  const failures: ServerFailures = {};
  const asked = [...requests].map(async ([serverName, request]) => {
    try {
      answers.push({ serverName, answer: await ask(serverName, request) });
    } catch (error) {
      failures[serverName] = failureOf(error);
    }
  });
  await Promise.all(asked);
  return { answers, failures };
}

/** What somebody waits for no longer than they want to. @throws MatrixError with 504 after that; whatever the work fails with */
export async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: done.signal }).then(() => {
    throw new MatrixError(504, 'M_UNKNOWN', 'The server has not answered in time');
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}

/** What failed of ours is nobody else's business. */
function failureOf(error: unknown): JsonObject {
  if (isMatrixError(error)) return error.toJSON() as JsonObject;
  return { errcode: 'M_UNKNOWN', error: 'The server could not be asked' };
}
