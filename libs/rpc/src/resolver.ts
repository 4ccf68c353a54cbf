import { lookup as systemLookup } from 'node:dns/promises';

/** One replica of a service. */
export interface Address {
  /** host:port */
  readonly target: string;
  /** The name in its certificate, when that is not the host it is reached by. */
  readonly serverName?: string;
}

/** Knows which replicas of a service there are, and tells when that changes. */
export interface Resolver {
  readonly addresses: readonly Address[];
  /** Calls back at once when the addresses are known, and at every change. */
  subscribe(listener: (addresses: readonly Address[]) => void): () => void;
  /** Something could not be reached: look again soon. */
  refresh(): void;
  close(): void;
}

export interface DnsOptions {
  readonly intervalMs?: number;
  readonly lookup?: (host: string) => Promise<readonly string[]>;
}

const DNS_INTERVAL_MS = 5_000;
const DNS_PAUSE_MS = 500;

/** Replicas that are named one by one. */
export function staticEndpoints(targets: readonly string[]): Resolver {
  const addresses = targets.map((target) => ({ target: checkedTarget(target) }));
  if (addresses.length === 0) throw new Error('a service needs at least one endpoint');
  return {
    addresses,
    subscribe: (listener) => {
      listener(addresses);
      return () => {};
    },
    refresh: () => {},
    close: () => {},
  };
}

/** All addresses behind one name, such as a headless Kubernetes service; looked up again and again. */
export function dnsEndpoints(target: string, options: DnsOptions = {}): Resolver {
  return new DnsResolver(checkedTarget(target), options);
}

/** Endpoints as the configuration writes them: `host:port` for each replica, or one `dns:host:port`. */
export function parseEndpoints(entries: readonly string[]): Resolver {
  const names = entries.filter((entry) => entry.startsWith('dns:'));
  if (names.length === 0) return staticEndpoints(entries);
  if (entries.length > 1) throw new Error('an endpoint that starts with dns: must be the only one');
  return dnsEndpoints((names[0] as string).replace(/^dns:(\/\/\/)?/, ''));
}

class DnsResolver implements Resolver {
  addresses: readonly Address[] = [];
  readonly #host: string;
  readonly #port: string;
  readonly #lookup: (host: string) => Promise<readonly string[]>;
  readonly #intervalMs: number;
  readonly #listeners = new Set<(addresses: readonly Address[]) => void>();
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking = false;

  constructor(target: string, { intervalMs = DNS_INTERVAL_MS, lookup = lookupAll }: DnsOptions) {
    const colon = target.lastIndexOf(':');
    this.#host = target.slice(0, colon);
    this.#port = target.slice(colon + 1);
    this.#lookup = lookup;
    this.#intervalMs = intervalMs;
  }

  subscribe(listener: (addresses: readonly Address[]) => void): () => void {
    this.#listeners.add(listener);
    if (this.addresses.length > 0) listener(this.addresses);
    if (this.#listeners.size === 1) this.#lookIn(0);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  refresh(): void {
    if (this.#looking || this.#listeners.size === 0) return;
    this.#lookIn(Math.max(0, this.#lookedAt + DNS_PAUSE_MS - performance.now()));
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  /** A name that cannot be looked up for a moment does not make its replicas vanish. */
  async #look(): Promise<void> {
    this.#looking = true;
    this.#lookedAt = performance.now();
    try {
      const hosts = [...new Set(await this.#lookup(this.#host))].sort();
      if (hosts.length > 0) this.#update(hosts);
    } catch {
      // Tried again at the next interval; who calls meanwhile is told that nobody can be reached.
    } finally {
      this.#looking = false;
      if (this.#listeners.size > 0) this.#lookIn(this.#intervalMs * (0.9 + Math.random() / 5));
    }
  }

  #update(hosts: readonly string[]): void {
    const targets = hosts.map((host) => `${host.includes(':') ? `[${host}]` : host}:${this.#port}`);
    if (targets.join() === this.addresses.map(({ target }) => target).join()) return;
    this.addresses = targets.map((target) => ({ target, serverName: this.#host }));
    for (const listener of this.#listeners) listener(this.addresses);
  }
}

async function lookupAll(host: string): Promise<string[]> {
  const found = await systemLookup(host, { all: true });
  return found.map(({ address }) => address);
}

function checkedTarget(target: string): string {
  if (!/^(\[[0-9a-f:.]+\]|[a-z0-9._-]+):\d{1,5}$/i.test(target)) {
    throw new Error(`"${target}" is no endpoint: host:port is expected`);
  }
  return target;
}
