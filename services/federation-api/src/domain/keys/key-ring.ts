import { isValidServerName } from '@ganglion/protocol';
import type { KeyStore, StoredKeys } from '../ports/keys.js';
import type { KeyFetches } from './key-fetches.js';
import { type KeysOfServer, satisfies, type WantedKeys } from './known-keys.js';

/** Our own servers' keys, and which other servers we have to do with. */
export interface Neighbourhood {
  /** The keys of a server that is ours. */
  ownKeys(serverName: string): KeysOfServer | undefined;
  allows(serverName: string): boolean;
}

/** What is remembered of a server without asking the store. */
interface Remembered {
  readonly keys: KeysOfServer;
  readonly at: number;
}

const MAX_REMEMBERED = 10_000;
/** By then another replica may know more, such as that a key has ended. */
const REMEMBERED_MS = 60_000;

/** The keys of all servers: remembered, stored, or fetched. @see https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys */
export class KeyRing {
  readonly #remembered = new Map<string, Remembered>();

  constructor(
    private readonly store: KeyStore,
    private readonly fetches: KeyFetches,
    private readonly neighbourhood: Neighbourhood,
  ) {}

  /** What is known of the servers after everything was done to learn what is wanted; of some it may be nothing. */
  async keys(wanted: readonly WantedKeys[]): Promise<ReadonlyMap<string, KeysOfServer>> {
    const found = new Map<string, KeysOfServer>();
    const left = this.#remember(merged(wanted), found);
    if (left.length === 0) return found;
    const { ended } = this.fetches;
    let stored = await this.#load(left, found);
    if (this.fetches.ended !== ended) stored = await this.#load(left, found);
    const missing = left.filter(
      (each) => !satisfies(found.get(each.serverName), each) && mayAsk(stored.get(each.serverName)),
    );
    if (missing.length === 0) return found;
    await this.fetches.fetch(missing);
    await this.#load(missing, found);
    return found;
  }

  /** Notes what is at hand; gives what is left to be looked for. */
  #remember(wanted: readonly WantedKeys[], found: Map<string, KeysOfServer>): WantedKeys[] {
    return wanted.filter((each) => {
      const own = this.neighbourhood.ownKeys(each.serverName);
      if (own !== undefined) found.set(each.serverName, own);
      if (own !== undefined || !isValidServerName(each.serverName)) return false;
      if (!this.neighbourhood.allows(each.serverName)) return false;
      const known = this.#remembered.get(each.serverName);
      if (known === undefined || known.at + REMEMBERED_MS < Date.now()) return true;
      if (!satisfies(known.keys, each)) return true;
      found.set(each.serverName, known.keys);
      return false;
    });
  }

  async #load(
    wanted: readonly WantedKeys[],
    found: Map<string, KeysOfServer>,
  ): Promise<ReadonlyMap<string, StoredKeys>> {
    const stored = await this.store.load(wanted.map(({ serverName }) => serverName));
    for (const [serverName, { keys }] of stored) {
      if (keys.size === 0) continue;
      found.set(serverName, keys);
      this.#remembered.delete(serverName);
      this.#remembered.set(serverName, { keys, at: Date.now() });
    }
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= MAX_REMEMBERED) break;
      this.#remembered.delete(oldest);
    }
    return stored;
  }
}

function mayAsk(stored: StoredKeys | undefined): boolean {
  return stored === undefined || stored.askAgainInMs <= 0;
}

/** One entry a server. */
function merged(wanted: readonly WantedKeys[]): WantedKeys[] {
  const servers = new Map<string, WantedKeys>();
  for (const each of wanted) {
    const other = servers.get(each.serverName);
    const all = other !== undefined && (other.keyIds.length === 0 || each.keyIds.length === 0);
    servers.set(each.serverName, {
      serverName: each.serverName,
      keyIds: all ? [] : [...new Set([...(other?.keyIds ?? []), ...each.keyIds])],
      minimumValidUntilTs: Math.max(each.minimumValidUntilTs, other?.minimumValidUntilTs ?? 0),
    });
  }
  return [...servers.values()];
}
