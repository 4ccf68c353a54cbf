import { canonicalJsonString, publishServerKeys, type SigningKey } from '@ganglion/protocol';

/** How long other servers may go on using an answer without asking again. */
const VALID_MS = 24 * 60 * 60 * 1000;
/** How long we give the same answer: who asks often costs no signatures. */
const REPEATED_MS = 60 * 60 * 1000;

/**
 * What our servers publish about their keys, as canonical JSON: what is signed is what is sent, to the byte.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#publishing-keys
 */
export class PublishedKeys {
  readonly #answers = new Map<string, { readonly json: string; readonly until: number }>();

  constructor(private readonly keys: ReadonlyMap<string, SigningKey>) {}

  /** Undefined for a server name that has no key here. */
  of(serverName: string): string | undefined {
    const known = this.#answers.get(serverName);
    const now = Date.now();
    if (known !== undefined && known.until > now) return known.json;
    const key = this.keys.get(serverName);
    if (key === undefined) return undefined;
    const json = canonicalJsonString({ ...publishServerKeys(serverName, key, now + VALID_MS) });
    this.#answers.set(serverName, { json, until: now + REPEATED_MS });
    return json;
  }
}
