import { isMatrixError, MatrixError } from '@ganglion/contracts';
import { type FederationAgent, RemoteRefusal, UnreachableServerError } from '@ganglion/federation';
import type { JsonObject, JsonValue, Pdu } from '@ganglion/protocol';
import type { PolicySigners } from '../domain/ports/policy-signers.js';
import { SilentServers } from './silent-servers.js';

/** Somebody waits, and with them a room. */
const TIMEOUT_MS = 5_000;

/** Asks policy servers, over HTTP. One that did not answer a moment ago is not waited for. */
export class HttpPolicySigners implements PolicySigners {
  readonly #silent = new SilentServers();

  constructor(private readonly agent: Pick<FederationAgent, 'request'>) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixpolicyv1sign */
  async sign(origin: string, serverName: string, pdu: Pdu): Promise<JsonValue> {
    const body = pdu as unknown as JsonObject;
    const asked = { origin, destination: serverName, method: 'POST', path: '/_matrix/policy/v1/sign', body } as const;
    try {
      return await this.#silent.ask(serverName, () => this.agent.request({ ...asked, timeoutMs: TIMEOUT_MS }));
    } catch (error) {
      if (isMatrixError(error)) throw error;
      if (error instanceof UnreachableServerError) {
        throw new MatrixError(502, 'M_UNKNOWN', `The room's policy server cannot be reached: ${error.message}`);
      }
      if (!(error instanceof RemoteRefusal)) throw error;
      // With 401 a client would take itself for logged out.
      const status = error.status === 401 || error.status < 400 ? 403 : error.status;
      throw new MatrixError(status, error.errcode || 'M_UNKNOWN', error.message);
    }
  }
}
