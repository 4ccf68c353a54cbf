import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { Config } from '@ganglion/config';
import { MatrixError } from '@ganglion/contracts';
import { Outgoing, type OutgoingAnswer, OutgoingError } from '@ganglion/outgoing';
import { isJsonObject, isValidServerName, type JsonObject } from '@ganglion/protocol';

export interface IdentityRequest {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  readonly body?: JsonObject;
  /** The whole header; without it nobody says who asks. */
  readonly authorization?: string;
}

export interface IdentityAnswer {
  readonly status: number;
  /** Empty when it was no JSON object. */
  readonly content: JsonObject;
}

const MAX_BYTES = 65_536;

/**
 * Asks identity servers, wherever others say that they are: which must be on the Internet, or in a network that is allowed.
 *
 * @see https://spec.matrix.org/v1.19/identity-service-api/
 */
export class IdentityAgent {
  readonly #outgoing: Outgoing;

  constructor(private readonly config: Config['identity_servers']) {
    const { allowed_networks: allowedNetworks, trusted_ca_file: file } = config;
    const ca = file === undefined ? undefined : [...rootCertificates, readFileSync(file, 'utf8')];
    this.#outgoing = new Outgoing({ allowedNetworks, ca });
  }

  /** Whether a name is one of a server that the operator lets us ask. */
  allows(idServer: string): boolean {
    return isValidServerName(idServer) && (this.config.allowed?.includes(idServer) ?? true);
  }

  /** @throws MatrixError M_SERVER_NOT_TRUSTED, M_UNKNOWN (502) when it cannot be reached */
  async ask(idServer: string, { method, path, body, authorization }: IdentityRequest): Promise<IdentityAnswer> {
    if (!this.allows(idServer)) throw notTrusted(idServer);
    try {
      const answer = await this.#outgoing.request({
        url: `https://${idServer}${path}`,
        method,
        headers: {
          'user-agent': 'Ganglion',
          ...(authorization !== undefined && { authorization }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        body: body && JSON.stringify(body),
        timeoutMs: this.config.request_timeout_ms,
        maxBytes: MAX_BYTES,
      });
      return { status: answer.status, content: contentOf(answer) };
    } catch (error) {
      if (error instanceof OutgoingError) throw unreachable(idServer);
      throw error;
    }
  }

  /**
   * What it answers when it does what it was asked for.
   *
   * @throws MatrixError as ask, M_THREEPID_AUTH_FAILED for a token that is none there, what else it refuses with
   */
  async must(idServer: string, request: IdentityRequest): Promise<JsonObject> {
    const { status, content } = await this.ask(idServer, request);
    if (status !== 200) throw refusal(idServer, status, content);
    return content;
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    await this.#outgoing.close();
  }
}

function contentOf({ body }: OutgoingAnswer): JsonObject {
  try {
    const content: unknown = JSON.parse(body.toString());
    return isJsonObject(content) ? content : {};
  } catch {
    return {};
  }
}

/** A 401 would tell the client that it is not logged in with us any more. */
function refusal(idServer: string, status: number, { errcode, error }: JsonObject): MatrixError {
  const message = typeof error === 'string' ? `${idServer}: ${error}` : `${idServer} refused it`;
  if (status === 401) return new MatrixError(403, 'M_THREEPID_AUTH_FAILED', message);
  if (status < 400 || status > 499 || typeof errcode !== 'string') return unreachable(idServer);
  return new MatrixError(status, errcode, message);
}

/** It did not answer, or nothing that could be understood. */
export function unreachable(idServer: string): MatrixError {
  return new MatrixError(502, 'M_UNKNOWN', `The identity server ${idServer} cannot be reached`);
}

function notTrusted(idServer: string): MatrixError {
  return new MatrixError(400, 'M_SERVER_NOT_TRUSTED', `The identity server ${idServer} is not trusted here`);
}
