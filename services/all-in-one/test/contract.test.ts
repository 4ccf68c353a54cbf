import { Contract } from '@ganglion/testing';
import { EXAMPLES, setScene } from './support/endpoint-examples.js';
import { Homeserver, type Replica, WITH_EMAIL } from './support/homeserver.js';
import { pathOf } from './support/hostile-input.js';
import { exchange } from './support/person.js';

const contract = Contract.load(['client-server', 'server-server']);

let homeserver: Homeserver;
let replica: Replica;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start(WITH_EMAIL);
});
afterAll(() => homeserver.close());

/** Every answer of its kind, with what is wrong with it. */
async function problems(ask: (token: string) => Record<string, string>): Promise<string[]> {
  const found: string[] = [];
  for (const [route, makeExample] of Object.entries(EXAMPLES)) {
    const scene = await setScene(replica.url);
    const example = await makeExample(scene);
    const method = route.slice(0, route.indexOf(' '));
    const path = pathOf(route, example);
    const answer = await exchange(replica.url, method, path, { headers: ask(scene.person.token), body: example.body });
    if (answer.status >= 500 && answer.status !== example.status) found.push(`${route}: ${answer.status}`);
    found.push(...(contract?.problemsOf({ method, path, ...answer }) ?? []));
  }
  return found;
}

describe('an answer', () => {
  it(
    contract
      ? 'of success has the form that the specification gives it'
      : 'of success is none of a fault; its form is not held against the specification, as GANGLION_SPEC does not say where that is',
    async () => expect(await problems((token) => ({ authorization: `Bearer ${token}` }))).toEqual([]),
    300_000,
  );

  it(
    'to somebody with a token that is over has the form that the specification gives it',
    async () => expect(await problems(() => ({ authorization: 'Bearer over' }))).toEqual([]),
    300_000,
  );
});
