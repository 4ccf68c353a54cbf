import { isMatrixError, MatrixError } from '@ganglion/contracts';
import type { GetRemoteSpaceResponse } from '@ganglion/contracts/federation';
import type { FederationAgent } from '@ganglion/federation';
import { LRUCache } from 'lru-cache';
import { Passing } from '../domain/history/passing.js';
import { readRemoteSpace } from '../domain/spaces/remote-space.js';
import { asMatrixError } from './handshakes.js';

/** Somebody waits for a whole page of rooms. */
const TIMEOUT_MS = 3_500;
const MOST_SERVERS = 2;
const MOST_ANSWER_BYTES = 2 * 1_048_576;
/** Pages of a walk are walked from its beginning. */
const KEPT_MS = 5 * 60_000;
const MOST_KEPT_BYTES = 16 * 1_048_576;
const SILENT_MS = 60_000;

/** Asks other servers for spaces, over HTTP. */
export class HttpSpaces {
  readonly #known = new LRUCache<string, GetRemoteSpaceResponse>({
    maxSize: MOST_KEPT_BYTES,
    sizeCalculation: (space) => 1_000 + JSON.stringify(space).length,
    ttl: KEPT_MS,
  });
  readonly #silent = new Passing(SILENT_MS, 10_000);

  constructor(
    private readonly agent: Pick<FederationAgent, 'request' | 'policy'>,
    private readonly origin: string,
  ) {}

  /** @throws MatrixError M_NOT_FOUND */
  async get(roomId: string, serverNames: readonly string[]): Promise<GetRemoteSpaceResponse> {
    const allowed = [...new Set(serverNames)].filter((n) => this.agent.policy.allows(n) && !this.#silent.has(n));
    const servers = allowed.slice(0, MOST_SERVERS);
    // Whoever names a server to ask believes it: nobody else is shown what it says.
    const key = JSON.stringify([roomId, ...servers]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    for (const server of servers) {
      const space = await this.#ask(roomId, server);
      if (space === undefined) continue;
      this.#known.set(key, space);
      return space;
    }
    throw new MatrixError(404, 'M_NOT_FOUND', 'No server is known that shows this room');
  }

  async #ask(roomId: string, destination: string): Promise<GetRemoteSpaceResponse | undefined> {
    const path = `/_matrix/federation/v1/hierarchy/${encodeURIComponent(roomId)}?suggested_only=false`;
    const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MOST_ANSWER_BYTES };
    try {
      const asked = { origin: this.origin, destination, method: 'GET', path, ...limits } as const;
      return readRemoteSpace(roomId, await this.agent.request(asked));
    } catch (error) {
      const failure = asMatrixError(error);
      if (!isMatrixError(failure)) throw error;
      if (failure.status >= 500) this.#silent.note(destination);
      return undefined;
    }
  }
}
