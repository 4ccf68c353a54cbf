import { isMatrixError } from '@ganglion/contracts';
import type { JsonObject } from '@ganglion/protocol';

/** Why servers could not be asked, by their names. */
export type ServerFailures = Record<string, JsonObject>;

/** What servers have answered, and why others have not. */
export interface RemoteAnswers<T> {
  readonly answers: readonly { readonly serverName: string; readonly answer: T }[];
  readonly failures: ServerFailures;
}

/** Asks servers at once; one that does not answer keeps none of the others waiting, and nobody longer than it may. */
export async function askServers<T>(
  requests: ReadonlyMap<string, JsonObject>,
  ask: (serverName: string, request: JsonObject) => Promise<T>,
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

/** What failed of ours is nobody else's business. */
function failureOf(error: unknown): JsonObject {
  if (isMatrixError(error)) return error.toJSON() as JsonObject;
  return { errcode: 'M_UNKNOWN', error: 'The server could not be asked' };
}

/** Requests by the servers that they go to, from what is asked of each user. */
export function byServer(ofUsers: ReadonlyMap<string, JsonObject[string]>): Map<string, JsonObject> {
  const grouped = Map.groupBy(ofUsers, ([userId]) => userId.slice(userId.indexOf(':') + 1));
  return new Map([...grouped].map(([serverName, entries]) => [serverName, Object.fromEntries(entries)]));
}
