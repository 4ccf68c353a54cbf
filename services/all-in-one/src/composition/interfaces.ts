import type { ServiceName } from '@ganglion/config';
import type { ServiceDefinition } from '@ganglion/rpc';
import type { RemoteServices } from './remote-services.js';

/** One interface that this process offers to others. */
export interface Offer {
  readonly definition: ServiceDefinition;
  readonly implementation: object;
}

/** Where each interface is found: in this process, or behind a client that is made when it is first asked for. */
export class Interfaces {
  readonly #found = new Map<string, Promise<object>>();
  readonly #offers: Offer[] = [];

  constructor(private readonly remote: RemoteServices) {}

  get offers(): readonly Offer[] {
    return this.#offers;
  }

  /** Makes an interface known that a service of this process implements. */
  offer(definition: ServiceDefinition, implementation: object): void {
    this.#offers.push({ definition, implementation });
    this.#found.set(definition.fullName, Promise.resolve(implementation));
  }

  /** @throws Error when the configuration does not say where the service is */
  async find<T extends object>(service: ServiceName, definition: ServiceDefinition): Promise<T> {
    const found = this.#found.get(definition.fullName) ?? this.remote.client<T>(service, definition);
    this.#found.set(definition.fullName, found);
    return (await found) as T;
  }
}
