import { MatrixError } from '@ganglion/contracts';
import type { ServerKeyRing } from '@ganglion/contracts/federation';
import {
  InvalidXMatrixError,
  isAuthorizedRequest,
  type JsonValue,
  parseXMatrix,
  type XMatrix,
} from '@ganglion/protocol';
import { notFederating } from './errors.js';
import type { ServerPolicy } from './server-policy.js';

/** Who asks whom in a request between servers. */
export interface Asked {
  /** The server that asks: its signature was checked. */
  readonly origin: string;
  /** Which of our server names it asks. */
  readonly destination: string;
}

/** A request as it came. */
export interface IncomingRequest {
  readonly method: string;
  /** The path with its query, to the letter. */
  readonly uri: string;
  readonly authorization: string | undefined;
  readonly host: string;
  readonly content: JsonValue | undefined;
  /** The body to the letter. */
  readonly contentText?: string | undefined;
}

/**
 * Finds out which server asks.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
 */
export class RequestAuthentication {
  constructor(
    private readonly ourNames: readonly string[],
    private readonly policy: ServerPolicy,
    private readonly keyRing: Pick<ServerKeyRing, 'getServerKeys'>,
    /** Told of each server that is heard of. */
    private readonly heardOf: (serverName: string) => void = () => {},
  ) {}

  /** @throws {MatrixError} M_UNAUTHORIZED when that is not certain, M_FORBIDDEN for a server that we do not talk to */
  async authenticate(request: IncomingRequest): Promise<Asked> {
    const header = parseHeader(request.authorization);
    const { origin, destination } = header;
    if (destination !== undefined && !this.ourNames.includes(destination)) {
      throw unauthorized('The request is for another server');
    }
    if (this.ourNames.includes(origin)) throw unauthorized('This server does not ask itself');
    if (!this.policy.allows(origin)) throw notFederating(origin);
    const { method, uri, content, contentText } = request;
    const signed = { method, uri, origin, destination, content, contentText };
    if (!isAuthorizedRequest(signed, header, await this.#publicKey(header))) {
      throw unauthorized(`The signature of ${origin} is not that of this request`);
    }
    this.heardOf(origin);
    return { origin, destination: destination ?? this.#named(request.host) };
  }

  async #publicKey({ origin, key: keyId }: XMatrix): Promise<Uint8Array> {
    const now = Date.now();
    const wanted = [{ serverName: origin, keyIds: [keyId], minimumValidUntilTs: now }];
    const { servers } = await this.keyRing.getServerKeys({ wanted });
    const known = servers.find(({ serverName }) => serverName === origin)?.keys.find((key) => key.keyId === keyId);
    if (known === undefined) throw unauthorized(`The key ${keyId.slice(0, 80)} of ${origin} is not known`);
    if ((known.validUntilTs ?? 0) < now) throw unauthorized(`The key ${keyId} of ${origin} is no longer valid`);
    return known.publicKey;
  }

  /** Older servers do not say whom they ask. */
  #named(host: string): string {
    const named = this.ourNames.find((name) => name === host) ?? this.ourNames[0];
    if (named === undefined) throw new Error('no server name is configured');
    return named;
  }
}

function parseHeader(authorization: string | undefined): XMatrix {
  if (authorization === undefined) throw unauthorized('Other servers sign their requests; this one is not signed');
  try {
    return parseXMatrix(authorization);
  } catch (error) {
    if (error instanceof InvalidXMatrixError) throw unauthorized(error.message);
    throw error;
  }
}

function unauthorized(message: string): MatrixError {
  return new MatrixError(401, 'M_UNAUTHORIZED', message);
}
