import type { Outgoing } from '@ganglion/outgoing';
import { LRUCache } from 'lru-cache';
import { DEFAULT_PORT, explicitLocation, inOrder, type ServerLocation } from './server-location.js';
import { type FindServiceRecords, findServiceRecords } from './service-records.js';
import { askWellKnown } from './well-known.js';

const MAX_KNOWN = 10_000;
/** Service records do not tell us how long they hold. */
const RECORDS_MS = 5 * 60_000;
const MAX_LOCATIONS = 8;

interface Delegation {
  readonly delegatedTo?: string;
  readonly failures: number;
  readonly until: number;
}

/** Finds out where servers are. What it has found is kept for as long as it may be. */
export class ServerResolver {
  readonly #delegations = new LRUCache<string, Delegation>({ max: MAX_KNOWN });
  readonly #records = new LRUCache<string, readonly ServerLocation[]>({ max: MAX_KNOWN, ttl: RECORDS_MS });
  readonly #running = new Map<string, Promise<readonly ServerLocation[]>>();

  constructor(
    private readonly outgoing: Pick<Outgoing, 'request'>,
    private readonly findRecords: FindServiceRecords = findServiceRecords,
  ) {}

  /**
   * Where the server may be, in the order in which to try.
   *
   * @throws {InvalidIdentifierError} when it is no server name
   * @see https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names
   */
  async resolve(serverName: string): Promise<readonly ServerLocation[]> {
    const explicit = explicitLocation(serverName);
    if (explicit !== undefined) return [explicit];
    let running = this.#running.get(serverName);
    if (running === undefined) {
      running = this.#resolve(serverName).finally(() => this.#running.delete(serverName));
      this.#running.set(serverName, running);
    }
    return running;
  }

  async #resolve(hostname: string): Promise<readonly ServerLocation[]> {
    const delegated = await this.#delegated(hostname);
    if (delegated === undefined) return this.#byRecords(hostname);
    const explicit = explicitLocation(delegated);
    return explicit === undefined ? this.#byRecords(delegated) : [explicit];
  }

  async #delegated(hostname: string): Promise<string | undefined> {
    const known = this.#delegations.get(hostname);
    if (known !== undefined && known.until > Date.now()) return known.delegatedTo;
    const failed = known?.failures ?? 0;
    const { delegatedTo, forMs } = await askWellKnown(this.outgoing, hostname, failed);
    const until = Date.now() + forMs;
    const found = delegatedTo === undefined ? { failures: Math.min(failed + 1, 10) } : { delegatedTo, failures: 0 };
    this.#delegations.set(hostname, { ...found, until });
    return delegatedTo;
  }

  async #byRecords(hostname: string): Promise<readonly ServerLocation[]> {
    const known = this.#records.get(hostname);
    if (known !== undefined) return known;
    const records = inOrder(await this.#anyRecords(hostname)).slice(0, MAX_LOCATIONS);
    const found = records.map(({ name, port }) => ({ host: name, port, hostHeader: hostname }));
    const locations = found.length > 0 ? found : [{ host: hostname, port: DEFAULT_PORT, hostHeader: hostname }];
    this.#records.set(hostname, locations);
    return locations;
  }

  async #anyRecords(hostname: string) {
    const records = await this.findRecords(`_matrix-fed._tcp.${hostname}`);
    return records.length > 0 ? records : this.findRecords(`_matrix._tcp.${hostname}`);
  }
}
