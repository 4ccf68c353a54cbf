import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { Config } from '@ganglion/config';
import { MatrixError } from '@ganglion/contracts';
import { Outgoing, type OutgoingAnswer, OutgoingError } from '@ganglion/outgoing';
import {
  authorizeRequest,
  domainOf,
  isJsonObject,
  isValidServerName,
  type JsonObject,
  type SigningKey,
} from '@ganglion/protocol';
import type { IdentityProof, IdentityServers, ThirdPartyAddress } from '../domain/ports.js';

const MAX_BYTES = 65_536;
const MAX_LENGTH = 512;
const V2 = '/_matrix/identity/v2';

export type SigningKeys = () => Promise<ReadonlyMap<string, SigningKey>>;

/**
 * Identity servers, wherever clients say that they are: which must be on the Internet, or in a network that is allowed.
 *
 * @see https://spec.matrix.org/v1.19/identity-service-api/#establishing-associations
 */
export class RemoteIdentityServers implements IdentityServers {
  readonly #outgoing: Outgoing;

  constructor(
    private readonly config: Config['identity_servers'],
    private readonly signingKeys: SigningKeys,
  ) {
    const { allowed_networks: allowedNetworks, trusted_ca_file: file } = config;
    const ca = file === undefined ? undefined : [...rootCertificates, readFileSync(file, 'utf8')];
    this.#outgoing = new Outgoing({ allowedNetworks, ca });
  }

  async bind(userId: string, { idServer, idAccessToken, sessionId, clientSecret }: IdentityProof) {
    if (!this.#isAllowed(idServer)) throw notTrusted(idServer);
    const body = { sid: sessionId, client_secret: clientSecret, mxid: userId };
    const answer = await this.#post(idServer, `${V2}/3pid/bind`, body, `Bearer ${idAccessToken}`);
    const content = contentOf(answer);
    if (answer.status !== 200) throw refusal(idServer, answer.status, content);
    const { medium, address } = content;
    if (!isStorable(medium) || !isStorable(address)) throw unreachable(idServer);
    return { medium, address };
  }

  async unbind(userId: string, { medium, address }: ThirdPartyAddress, idServer: string): Promise<boolean> {
    const origin = domainOf(userId);
    const key = (await this.signingKeys()).get(origin);
    if (key === undefined || !this.#isAllowed(idServer)) return false;
    const uri = `${V2}/3pid/unbind`;
    const content = { mxid: userId, threepid: { medium, address } };
    const authorization = authorizeRequest({ method: 'POST', uri, origin, destination: idServer, content }, key);
    try {
      return (await this.#post(idServer, uri, content, authorization)).status === 200;
    } catch {
      return false;
    }
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    await this.#outgoing.close();
  }

  #isAllowed(idServer: string): boolean {
    return isValidServerName(idServer) && (this.config.allowed?.includes(idServer) ?? true);
  }

  async #post(idServer: string, path: string, body: JsonObject, authorization: string): Promise<OutgoingAnswer> {
    try {
      return await this.#outgoing.request({
        url: `https://${idServer}${path}`,
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', 'user-agent': 'Ganglion' },
        body: JSON.stringify(body),
        timeoutMs: this.config.request_timeout_ms,
        maxBytes: MAX_BYTES,
      });
    } catch (error) {
      if (error instanceof OutgoingError) throw unreachable(idServer);
      throw error;
    }
  }
}

/** What can be kept, and found again: no address of a medium is longer than this. */
function isStorable(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_LENGTH && !value.includes('\0');
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

function unreachable(idServer: string): MatrixError {
  return new MatrixError(502, 'M_UNKNOWN', `The identity server ${idServer} cannot be reached`);
}

function notTrusted(idServer: string): MatrixError {
  return new MatrixError(400, 'M_SERVER_NOT_TRUSTED', `The identity server ${idServer} is not trusted here`);
}
