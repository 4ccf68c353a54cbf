import { acquireEndpoint, type Endpoint, releaseEndpoint } from './endpoint.js';
import { hash, weight } from './rendezvous.js';
import type { Address, Resolver } from './resolver.js';
import type { TlsFiles } from './tls.js';

/** Chooses the replica for each call. */
export class Balancer {
  readonly #tls: TlsFiles | undefined;
  readonly #resolver: Resolver;
  readonly #unsubscribe: () => void;
  readonly #addresses = new Map<string, Address>();
  #endpoints: Endpoint[] = [];
  #turn = Math.floor(Math.random() * 1024);

  constructor(resolver: Resolver, tls: TlsFiles | undefined) {
    this.#tls = tls;
    this.#resolver = resolver;
    this.#unsubscribe = resolver.subscribe((addresses) => this.#update(addresses));
  }

  /**
   * With a key the same replica in every process, and the same next one while it is down; without, one after the other.
   * Replicas that this call has tried already come last.
   */
  pick(key: string | undefined, tried?: ReadonlySet<Endpoint>): Endpoint | undefined {
    const endpoints = this.#endpoints;
    const keyHash = key === undefined ? undefined : hash(key);
    const turn = keyHash === undefined ? this.#turn++ : 0;
    let best: Endpoint | undefined;
    let bestRank = -1;
    for (let index = 0; index < endpoints.length; index++) {
      const endpoint = endpoints[index] as Endpoint;
      const score =
        keyHash === undefined
          ? ((index + turn) % endpoints.length) / endpoints.length
          : weight(keyHash, endpoint.hash) / 2 ** 32;
      const rank = score + (endpoint.live ? 1 : 0) + (tried?.has(endpoint) ? 0 : 2);
      if (rank <= bestRank) continue;
      best = endpoint;
      bestRank = rank;
    }
    return best;
  }

  /** Whether a live replica is left that was not tried. */
  hasOthers(tried: ReadonlySet<Endpoint>): boolean {
    return this.#endpoints.some((endpoint) => endpoint.live && !tried.has(endpoint));
  }

  /** An endpoint could not be reached: perhaps the replicas have moved. */
  suspect(): void {
    this.#resolver.refresh();
  }

  close(): void {
    this.#unsubscribe();
    this.#update([]);
  }

  #update(addresses: readonly Address[]): void {
    const gone = new Map(this.#addresses);
    this.#addresses.clear();
    const before = new Map(this.#endpoints.map((endpoint) => [endpoint.target, endpoint]));
    this.#endpoints = addresses.map((address) => {
      gone.delete(address.target);
      this.#addresses.set(address.target, address);
      return before.get(address.target) ?? acquireEndpoint(address, this.#tls);
    });
    for (const address of gone.values()) releaseEndpoint(address, this.#tls);
  }
}
