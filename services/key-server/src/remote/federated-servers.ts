import { randomUUID } from 'node:crypto';
import { MatrixError } from '@ganglion/contracts';
import type { RemoteAnswer, RemoteQueries } from '@ganglion/contracts/federation';
import { isJsonObject, type JsonObject, parseJson } from '@ganglion/protocol';
import type { RemoteServers } from '../domain/ports.js';

/** Users of other servers, by way of federation-api. */
export class FederatedServers implements RemoteServers {
  constructor(private readonly queries: Pick<RemoteQueries, 'queryUserKeys' | 'claimUserKeys'>) {}

  queryKeys(serverName: string, userIds: readonly string[], timeoutMs: number): Promise<JsonObject> {
    const request = { serverName, userIds: [...userIds], timeoutMs, requestId: randomUUID() };
    return answerWithin(timeoutMs, () => this.queries.queryUserKeys(request));
  }

  claimKeys(serverName: string, oneTimeKeys: JsonObject, timeoutMs: number): Promise<JsonObject> {
    const oneTimeKeysJson = JSON.stringify(oneTimeKeys);
    const request = { serverName, oneTimeKeysJson, timeoutMs, requestId: randomUUID() };
    return answerWithin(timeoutMs, () => this.queries.claimUserKeys(request));
  }
}

async function answerWithin(timeoutMs: number, ask: () => Promise<RemoteAnswer>): Promise<JsonObject> {
  const deadline = Date.now() + timeoutMs;
  do {
    const { pending, answerJson } = await ask();
    if (pending) continue;
    const answer = parseJson(answerJson);
    return isJsonObject(answer) ? answer : {};
  } while (Date.now() < deadline);
  throw new MatrixError(504, 'M_UNKNOWN', 'The server has not answered in time');
}
