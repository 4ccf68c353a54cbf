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

/** What one question may hold open: who asks for users of thousands of servers asks some after the others. */
const SERVERS_AT_ONCE = 100;

/**
 * Asks servers, many at once; one that does not answer keeps none of the others waiting, and all of them together nobody longer
 * than they want to, in milliseconds. Those whose turn does not come until then are not asked.
 */
export async function askServers<Request, T>(
  requests: ReadonlyMap<string, Request>,
  timeoutMs: number,
  ask: (serverName: string, request: Request) => Promise<T>,
): Promise<RemoteAnswers<T>> {
  if (requests.size === 0) return { answers: [], failures: {} };
  const answers: { serverName: string; answer: T }[] = [];
  const failures: ServerFailures = {};
  const late = new Lateness(timeoutMs);
  const line = requests.entries();
  const askInTurn = async () => {
    for (const [serverName, request] of line) {
      try {
        answers.push({ serverName, answer: await late.orFirst(() => ask(serverName, request)) });
      } catch (error) {
        failures[serverName] = failureOf(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(SERVERS_AT_ONCE, requests.size) }, askInTurn));
  late.end();
  return { answers, failures };
}

/** The moment from which on nobody waits any more. */
class Lateness {
  readonly #done = new AbortController();
  readonly #late: Promise<never>;

  constructor(timeoutMs: number) {
    this.#late = sleep(timeoutMs, undefined, { signal: this.#done.signal }).then(() => {
      this.#done.abort();
      throw new MatrixError(504, 'M_UNKNOWN', 'The server has not answered in time');
    });
    this.#late.catch(() => undefined);
  }

  /** What the work comes to, if that is in time. @throws MatrixError with 504 after that; whatever the work fails with */
  orFirst<T>(work: () => Promise<T>): Promise<T> {
    return this.#done.signal.aborted ? this.#late : Promise.race([work(), this.#late]);
  }

  end(): void {
    this.#done.abort();
  }
}

/** What failed of ours is nobody else's business. */
function failureOf(error: unknown): JsonObject {
  if (isMatrixError(error)) return error.toJSON() as JsonObject;
  return { errcode: 'M_UNKNOWN', error: 'The server could not be asked' };
}
