import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { Config } from '@ganglion/config';
import { type AddressLookup, Outgoing, OutgoingError, type OutgoingStream } from '@ganglion/outgoing';
import {
  authorizeRequest,
  canonicalJsonString,
  InvalidIdentifierError,
  type JsonObject,
  type JsonValue,
  MAX_ENVELOPE_NESTING,
  type SigningKey,
} from '@ganglion/protocol';
import { readAnswer, readRefusal, readValue } from './answers.js';
import { notFederating, UnreachableServerError } from './errors.js';
import { ServerPolicy } from './server-policy.js';
import { ServerResolver } from './server-resolver.js';
import type { FindServiceRecords } from './service-records.js';

export interface FederationRequest {
  /** Which of our servers asks. */
  readonly origin: string;
  readonly destination: string;
  readonly method: 'GET' | 'PUT' | 'POST';
  /** Encoded, with its query, from /_matrix on. */
  readonly path: string;
  readonly body?: JsonObject;
  /** By default as it is configured. */
  readonly timeoutMs?: number;
  /** By default ten megabytes. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

/** A request that does not say who asks. */
export type UnsignedRequest = Omit<FederationRequest, 'origin'>;

const MAX_BYTES = 10 * 1_048_576;

export interface FederationAgentOptions {
  readonly config: Config['federation'];
  readonly signingKeys: ReadonlyMap<string, SigningKey>;
  /** How names are looked up; by default in the DNS. */
  readonly findRecords?: FindServiceRecords;
  readonly lookup?: AddressLookup;
}

/** Asks other servers, as one of ours. */
export class FederationAgent {
  readonly policy: ServerPolicy;
  readonly #outgoing: Outgoing;
  readonly #resolver: ServerResolver;

  constructor(private readonly options: FederationAgentOptions) {
    const {
      lookup,
      config: { allowed_networks, trusted_ca_file },
    } = options;
    this.policy = new ServerPolicy(options.config);
    this.#outgoing = new Outgoing({
      allowedNetworks: allowed_networks,
      ...(lookup !== undefined && { lookup }),
      ...(trusted_ca_file !== undefined && { ca: [...rootCertificates, readFileSync(trusted_ca_file, 'utf8')] }),
    });
    this.#resolver = new ServerResolver(this.#outgoing, options.findRecords);
  }

  /**
   * The JSON object that the server answers with.
   *
   * @throws {UnreachableServerError} when it cannot be reached, or answers something else
   * @throws {RemoteRefusal} when it answers that it will not
   * @throws {MatrixError} M_FORBIDDEN for a server that we do not talk to
   */
  async request(asked: FederationRequest): Promise<JsonObject> {
    return readAnswer(asked.destination, await this.open(asked));
  }

  /** As `request`, for the answers of old that are no objects: whatever JSON it is, undefined when it is none. */
  async requestValue(asked: FederationRequest): Promise<JsonValue | undefined> {
    return readValue(asked.destination, await this.open(asked));
  }

  /** The answer with its body as it comes, for what is no JSON. Throws as `request` does. */
  async open(asked: FederationRequest): Promise<OutgoingStream> {
    const key = this.options.signingKeys.get(asked.origin);
    if (key === undefined) throw new Error(`${asked.origin} has no signing key here`);
    const { method, path: uri, origin, destination, body: content } = asked;
    return this.#open(asked, {
      authorization: authorizeRequest({ method, uri, origin, destination, content }, key),
    });
  }

  /** As `request`, without saying who asks: for what everybody may know. */
  async requestUnsigned(asked: UnsignedRequest): Promise<JsonObject> {
    return readAnswer(asked.destination, await this.#open(asked, {}));
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    await this.#outgoing.close();
  }

  async #open(asked: UnsignedRequest, headers: Readonly<Record<string, string>>): Promise<OutgoingStream> {
    const { destination } = asked;
    if (!this.policy.allows(destination)) throw notFederating(destination);
    try {
      const answer = await this.#connect(asked, headers);
      if (answer.status >= 200 && answer.status < 300) return answer;
      throw await readRefusal(destination, answer);
    } catch (error) {
      if (!(error instanceof OutgoingError || error instanceof InvalidIdentifierError)) throw error;
      throw new UnreachableServerError(destination, error.message, { cause: error });
    }
  }

  /** Tries one place after the other. What is asked may reach the server twice, as it may whenever an answer is lost. */
  async #connect(asked: UnsignedRequest, headers: Readonly<Record<string, string>>): Promise<OutgoingStream> {
    const deadline = Date.now() + (asked.timeoutMs ?? this.options.config.request_timeout_ms);
    let failure = new OutgoingError('timeout', 'it was not found in time');
    for (const { host, port, hostHeader } of await this.#resolver.resolve(asked.destination)) {
      const timeoutMs = deadline - Date.now();
      if (timeoutMs <= 0) break;
      try {
        return await this.#outgoing.open({
          url: `https://${host}:${port}${asked.path}`,
          method: asked.method,
          headers: { ...headers, host: hostHeader, 'user-agent': 'Ganglion', ...contentType(asked) },
          body: asked.body && canonicalJsonString(asked.body, { strict: false, maxNesting: MAX_ENVELOPE_NESTING }),
          ...{ timeoutMs, maxBytes: asked.maxBytes ?? MAX_BYTES, signal: asked.signal },
        });
      } catch (error) {
        if (!(error instanceof OutgoingError)) throw error;
        failure = error;
      }
    }
    throw failure;
  }
}

function contentType({ body }: UnsignedRequest): Record<string, string> {
  return body === undefined ? {} : { 'content-type': 'application/json' };
}
