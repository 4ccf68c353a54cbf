import type { FederationAgent } from '@ganglion/federation';
import type { JsonObject } from '@ganglion/protocol';
import { asMatrixError } from './handshakes.js';
import { SilentServers } from './silent-servers.js';

const PREFIX = '/_matrix/federation/v1/user/keys';

/** What is asked of a server about the keys of its users. */
export interface KeysAsked {
  readonly destination: string;
  readonly timeoutMs: number;
}

/** Asks other servers for keys of their users, over HTTP. Throws a MatrixError when they refuse or do not answer. */
export class HttpUserKeys {
  readonly #silent = new SilentServers();

  constructor(
    private readonly agent: Pick<FederationAgent, 'request'>,
    /** The one of our names that asks. */
    private readonly origin: string,
  ) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysquery */
  query(asked: KeysAsked, userIds: readonly string[]): Promise<JsonObject> {
    return this.#post(asked, 'query', { device_keys: Object.fromEntries(userIds.map((userId) => [userId, []])) });
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysclaim */
  claim(asked: KeysAsked, oneTimeKeys: JsonObject): Promise<JsonObject> {
    return this.#post(asked, 'claim', { one_time_keys: oneTimeKeys });
  }

  async #post(asked: KeysAsked, what: string, body: JsonObject): Promise<JsonObject> {
    try {
      return await this.#silent.ask(asked.destination, () =>
        this.agent.request({
          ...{ ...asked, origin: this.origin, method: 'POST' },
          ...{ path: `${PREFIX}/${what}`, body },
        }),
      );
    } catch (error) {
      throw asMatrixError(error);
    }
  }
}
