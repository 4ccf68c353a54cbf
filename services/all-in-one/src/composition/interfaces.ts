import type { ServiceDefinition } from '@ganglion/rpc';
import type { Interfaces, ServiceDescriptor } from '@ganglion/service';
import type { RemoteServices } from './remote-services.js';

/** One contract that this process fulfils for others. */
export interface Offer {
  readonly definition: ServiceDefinition;
  readonly implementation: object;
}

/** Where each contract is fulfilled: in this process, or behind a client that is made when it is first asked for. */
export class ProcessInterfaces implements Interfaces {
  readonly #clients = new Map<string, Promise<object>>();
  readonly #offers = new Map<string, Offer>();

  constructor(
    private readonly all: readonly ServiceDescriptor[],
    private readonly here: readonly ServiceDescriptor[],
    private readonly remote: RemoteServices,
  ) {}

  get offers(): readonly Offer[] {
    return [...this.#offers.values()];
  }

  /** Makes known what a service of this process fulfils. @throws Error when that is less than it says */
  offer({ name, offers }: ServiceDescriptor, implementations: object = {}): void {
    for (const [key, definition] of Object.entries(offers)) {
      const implementation = (implementations as Readonly<Record<string, object>>)[key];
      if (implementation === undefined)
        throw new Error(`${name} offers ${definition.fullName}, but composes no ${key}`);
      this.#offers.set(definition.fullName, { definition, implementation });
    }
  }

  async find<T extends object>(definition: ServiceDefinition): Promise<T> {
    const owner = this.all.find(({ offers }) => Object.values(offers).includes(definition));
    if (owner === undefined) throw new Error(`no service offers ${definition.fullName}`);
    if (this.here.includes(owner))
      return (this.#offers.get(definition.fullName)?.implementation ?? this.#later(definition)) as T;
    const client = this.#clients.get(definition.fullName) ?? this.remote.client(owner.name, definition);
    this.#clients.set(definition.fullName, client);
    return (await client) as T;
  }

  /** What a service of this process will fulfil once it is composed. */
  #later({ fullName, methods }: ServiceDefinition): object {
    type Methods = Readonly<Record<string, (...parameters: unknown[]) => unknown>>;
    const forward =
      (key: string) =>
      (...parameters: unknown[]) => {
        const offer = this.#offers.get(fullName);
        if (offer === undefined) throw new Error(`${fullName} is called before the services have started`);
        return (offer.implementation as Methods)[key]?.(...parameters);
      };
    return Object.fromEntries(Object.keys(methods).map((key) => [key, forward(key)]));
  }
}
