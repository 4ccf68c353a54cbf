import { CALLED_SERVICES, SERVICE_NAMES, type ServiceName } from '@ganglion/config';
import type { ServiceDefinition } from '@ganglion/rpc';
import type { ServiceDescriptor } from '@ganglion/service';
import { ProcessInterfaces } from '../src/composition/interfaces.js';
import type { RemoteServices } from '../src/composition/remote-services.js';
import { SERVICES } from '../src/composition/services.js';

interface Greets {
  greet(name: string): Promise<string>;
}

const definition = { name: 'Greets', fullName: 'test.Greets', methods: { greet: {} } } as unknown as ServiceDefinition;
const other = { ...definition, fullName: 'test.Other' };
const descriptor = (name: ServiceName, offers: ServiceDescriptor['offers']): ServiceDescriptor => ({
  ...{ name, offers },
  compose: async () => ({}),
});
const greeter = descriptor('push', { greets: definition });
const greets: Greets = { greet: async (name) => `Hello ${name}` };

function interfacesOf(here: readonly ServiceDescriptor[]) {
  const asked: string[] = [];
  const client = async (service: ServiceName, { fullName }: ServiceDefinition) => {
    asked.push(`${service} ${fullName}`);
    return greets;
  };
  return { asked, interfaces: new ProcessInterfaces([greeter], here, { client } as unknown as RemoteServices) };
}

it('every service that the configuration knows is composed, once', () => {
  expect(SERVICES.map(({ name }) => name).toSorted()).toEqual(SERVICE_NAMES.toSorted());
});

it('the configuration says where those services are that offer something, and no others', () => {
  const offering = SERVICES.filter(({ offers }) => Object.keys(offers).length > 0);
  expect(offering.map(({ name }) => name).toSorted()).toEqual(CALLED_SERVICES.toSorted());
});

it('no two services offer the same contract or keep the same schema', () => {
  const contracts = SERVICES.flatMap(({ offers }) => Object.values(offers).map(({ fullName }) => fullName));
  const schemas = SERVICES.flatMap(({ schema }) => schema?.schema ?? []);
  expect(contracts).toEqual([...new Set(contracts)]);
  expect(schemas).toEqual([...new Set(schemas)]);
});

it('a contract is found in this process, even by a service that is composed before the one that fulfils it', async () => {
  const { interfaces, asked } = interfacesOf([greeter]);
  const before = await interfaces.find<Greets>(definition);
  expect(() => before.greet('early')).toThrow('test.Greets is called before the services have started');
  interfaces.offer(greeter, { greets });
  expect(await before.greet('you')).toBe('Hello you');
  expect(await interfaces.find<Greets>(definition)).toBe(greets);
  expect(asked).toEqual([]);
});

it('a contract of a service in another process is asked of one client', async () => {
  const { interfaces, asked } = interfacesOf([]);
  const [one, two] = [await interfaces.find<Greets>(definition), await interfaces.find<Greets>(definition)];
  expect(one).toBe(two);
  expect(asked).toEqual(['push test.Greets']);
});

it('a contract that nobody offers, or that a service offers and does not fulfil, is told when it starts', async () => {
  const { interfaces } = interfacesOf([greeter]);
  await expect(interfaces.find(other)).rejects.toThrow('no service offers test.Other');
  expect(() => interfaces.offer(greeter, {})).toThrow('push offers test.Greets, but composes no greets');
});
