import type { FederationAgent } from '@ganglion/federation';
import {
  InvalidServerKeysError,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseServerKeys,
  verifyJsonSignature,
} from '@ganglion/protocol';
import type { KeysOfServer } from '../domain/keys/known-keys.js';
import type { KeyAnswer, KeySource } from '../domain/ports/keys.js';

/** Who waits for keys has other work to do. */
const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 65_536;
const MAX_NOTARY_BYTES = 8 * 1_048_576;
/** A notary is asked for so many servers at once. */
const SERVERS_A_QUERY = 100;
/** No server has more keys than that. */
const MAX_KEYS = 100;

/** Asks servers and notaries for keys, over HTTP. */
export class HttpKeySource implements KeySource {
  constructor(
    private readonly agent: Pick<FederationAgent, 'requestUnsigned' | 'policy'>,
    /** The keys that are known of a notary. */
    private readonly notaryKeys: (notary: string) => Promise<KeysOfServer | undefined>,
  ) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixkeyv2server */
  async fromServer(serverName: string): Promise<KeyAnswer> {
    const answer = await this.agent.requestUnsigned({
      ...{ destination: serverName, method: 'GET', path: '/_matrix/key/v2/server' },
      ...{ timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES },
    });
    return { serverName, keys: keysIn(answer, serverName), answer };
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixkeyv2query */
  async fromNotary(notary: string, wanted: ReadonlyMap<string, number>): Promise<KeyAnswer[]> {
    const keys = await this.notaryKeys(notary);
    if (keys === undefined) return [];
    const all = [...wanted];
    const answers: KeyAnswer[] = [];
    for (let first = 0; first < all.length; first += SERVERS_A_QUERY) {
      const some = new Map(all.slice(first, first + SERVERS_A_QUERY));
      const said = await this.#query(notary, some).catch(() => []);
      answers.push(...said.flatMap((each) => believed(each, some, notary, keys)));
    }
    return answers;
  }

  async #query(notary: string, wanted: ReadonlyMap<string, number>): Promise<readonly JsonValue[]> {
    const of = (minimum: number) => ({ '': { minimum_valid_until_ts: minimum } });
    const { server_keys } = await this.agent.requestUnsigned({
      ...{ destination: notary, method: 'POST', path: '/_matrix/key/v2/query' },
      body: { server_keys: Object.fromEntries([...wanted].map(([name, minimum]) => [name, of(minimum)])) },
      ...{ timeoutMs: 2 * TIMEOUT_MS, maxBytes: MAX_NOTARY_BYTES },
    });
    return Array.isArray(server_keys) ? server_keys : [];
  }
}

/** An answer about a server that was asked for, signed by that server and by the notary. */
function believed(
  said: JsonValue,
  wanted: ReadonlyMap<string, number>,
  notary: string,
  notaryKeys: KeysOfServer,
): KeyAnswer[] {
  if (!isJsonObject(said)) return [];
  const { server_name: serverName } = said;
  if (typeof serverName !== 'string' || !wanted.has(serverName)) return [];
  const now = Date.now();
  const isSigned = [...notaryKeys].some(
    ([keyId, key]) =>
      (key.validUntilTs ?? 0) >= now && verifyJsonSignature(said, notary, keyId, key.publicKey, { strict: false }),
  );
  if (!isSigned) return [];
  try {
    return [{ serverName, keys: keysIn(said, serverName), answer: said, notary }];
  } catch (error) {
    if (error instanceof InvalidServerKeysError) return [];
    throw error;
  }
}

function keysIn(answer: JsonObject, serverName: string): KeysOfServer {
  const keys = parseServerKeys(answer, serverName, Date.now());
  if (keys.size > MAX_KEYS) throw new InvalidServerKeysError(`${serverName} has more than ${MAX_KEYS} keys`);
  return keys;
}
