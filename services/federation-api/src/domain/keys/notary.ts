import { canonicalJsonString, isJsonObject, parseJson, type SigningKey, signJson } from '@ganglion/protocol';
import type { KeyStore } from '../ports/keys.js';
import type { PublishedKeys } from '../published-keys.js';
import type { KeyRing } from './key-ring.js';

/** What somebody wants to know of a server's keys. */
export interface KeyQuery {
  readonly serverName: string;
  readonly keyIds: readonly string[];
  readonly minimumValidUntilTs: number;
}

/**
 * Says of the keys of others what they said themselves, with a signature of ours.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#querying-keys-through-another-server
 */
export class Notary {
  constructor(
    private readonly ring: KeyRing,
    private readonly store: KeyStore,
    private readonly published: PublishedKeys,
    private readonly signingKeys: ReadonlyMap<string, SigningKey>,
  ) {}

  /** The answer as JSON text; of servers of which nothing could be learnt it says nothing. */
  async answer(as: string, queries: readonly KeyQuery[]): Promise<string> {
    await this.ring.keys(queries);
    const key = this.signingKeys.get(as);
    if (key === undefined) throw new Error(`${as} has no signing key here`);
    const names = [...new Set(queries.map(({ serverName }) => serverName))];
    const stored = await this.store.answers(names.filter((name) => this.published.of(name) === undefined));
    const answers = names.flatMap((name) => this.published.of(name) ?? stored.get(name) ?? []);
    return `{"server_keys":[${answers.map((text) => countersigned(text, as, key)).join()}]}`;
  }
}

function countersigned(text: string, as: string, key: SigningKey): string {
  const answer = parseJson(text);
  if (!isJsonObject(answer)) throw new Error('what was stored of the keys of a server is not an object');
  return canonicalJsonString({ ...signJson(answer, as, key, { strict: false }) }, { strict: false });
}
