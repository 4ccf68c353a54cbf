import type { Leased, Route } from '../ports/sending.js';
import { Delivery, type DeliveryDependencies } from './delivery.js';

export interface DeliveriesDependencies extends Omit<DeliveryDependencies, 'signal'> {}

/** Destinations of one kind that are sent to at once by one replica. */
interface Lane {
  readonly areFailing: boolean;
  readonly most: number;
  readonly running: Map<Promise<void>, Route>;
  readonly delivery: Delivery;
  /** More were due than there was place for. */
  hasMore: boolean;
}

/** Of its places: several destinations are taken by one statement. */
const REFILL_BELOW = 0.75;
/** Of the places that are free: they are for servers that nothing was sent to a moment ago, however much there is for others. */
const FOR_QUIET = 0.125;
/** By then what is on its way has arrived, or goes to another replica. */
const GRACE_MS = 5_000;

/** Sends what is queued: to many destinations at once, of which those that did not answer keep none of the others waiting. */
export class Deliveries {
  readonly #ending = new AbortController();
  readonly #lanes: readonly Lane[];
  #beginning: Promise<void> | undefined;
  #isWanted = false;
  #stopping = false;

  constructor(private readonly deps: DeliveriesDependencies) {
    this.#lanes = [this.#lane(false, 96, 12_000_000), this.#lane(true, 24, 4_000_000)];
  }

  #lane(areFailing: boolean, most: number, mostCharacters: number): Lane {
    const delivery = new Delivery({ ...this.deps, signal: this.#ending.signal }, mostCharacters);
    return { areFailing, most, running: new Map(), delivery, hasMore: false };
  }

  /** Begins with whatever is due and is nobody else's. Resolves as soon as that has begun. */
  begin(): Promise<void> {
    this.#isWanted = true;
    this.#beginning ??= this.#beginAll().finally(() => {
      this.#beginning = undefined;
    });
    return this.#beginning;
  }

  /** To be called every few seconds: what takes longer is still ours. */
  async keep(): Promise<void> {
    const routes = this.#lanes.flatMap(({ running }) => [...running.values()]);
    if (routes.length > 0) await this.deps.store.keep(routes);
  }

  /** Waits a while for what is on its way; the rest is another replica's, under the same id. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { delivery } of this.#lanes) delivery.end();
    const late = setTimeout(() => this.#ending.abort(), GRACE_MS);
    await this.#beginning?.catch(() => {});
    await Promise.all(this.#lanes.flatMap(({ running }) => [...running.keys()]));
    clearTimeout(late);
  }

  async #beginAll(): Promise<void> {
    while (this.#isWanted && !this.#stopping) {
      this.#isWanted = false;
      for (const lane of this.#lanes) await this.#fill(lane);
    }
  }

  async #fill(lane: Lane): Promise<void> {
    const free = lane.most - lane.running.size;
    lane.hasMore = free === 0;
    if (free === 0) return;
    const forQuiet = lane.areFailing ? 0 : Math.floor(free * FOR_QUIET);
    const leased = await this.deps.store.lease(free, lane.areFailing, forQuiet);
    lane.hasMore = leased.length >= free - forQuiet;
    for (const route of leased) this.#run(lane, route);
  }

  #run(lane: Lane, route: Leased): void {
    const running = lane.delivery
      .run(route)
      .catch((err: unknown) => this.deps.logger.warn({ err, server: route.server }, 'sending to a server failed'))
      .finally(() => {
        lane.running.delete(running);
        const hasRoom = lane.running.size <= lane.most * REFILL_BELOW;
        if (lane.hasMore && hasRoom && !this.#stopping) this.begin().catch(() => {});
      });
    lane.running.set(running, route);
  }
}
