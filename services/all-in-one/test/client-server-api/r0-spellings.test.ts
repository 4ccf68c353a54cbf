import endpoints from '../fixtures/r0-endpoints.json' with { type: 'json' };
import { Homeserver, type Replica } from '../support/homeserver.js';
import { exchange, Person } from '../support/person.js';

/** What is answered as if nobody had ever heard of it, under every name: there are no single sign-on and no application services. */
const NOT_THERE = [
  'GET /_matrix/client/r0/login/sso/redirect',
  'PUT /_matrix/client/r0/directory/list/appservice/{networkId}/{roomId}',
];

const IDS: Readonly<Record<string, string>> = {
  roomId: '!none:one.test',
  roomIdOrAlias: '!none:one.test',
  roomAlias: '#none:one.test',
  userId: '@nobody:one.test',
  eventId: '$none',
  serverName: 'one.test',
  scope: 'global',
  kind: 'room',
  receiptType: 'm.read',
};

let homeserver: Homeserver;
let replica: Replica;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
});
afterAll(() => homeserver.close());

/** What somebody who has just come is answered; no two of them stand in each other's way. */
async function answerTo(method: string, path: string): Promise<[number, string | undefined]> {
  const { token } = await Person.register(replica.url);
  const headers = { authorization: `Bearer ${token}` };
  const query = path.endsWith('/sync') || path.endsWith('/events') ? '?timeout=0' : '';
  const body = method === 'GET' ? undefined : {};
  const answer = await exchange(replica.url, method, `${path}${query}`, { headers, body });
  return [answer.status, answer.body?.errcode];
}

it('the list of the endpoints that r0 had is whole', () => {
  expect(endpoints.length).toBeGreaterThan(100);
});

it.each(endpoints)('%s is answered as its namesake of v3', async (endpoint) => {
  const [method = '', path = ''] = endpoint.split(' ');
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(IDS[name] ?? 'x'));
  const old = await answerTo(method, filled);
  expect(old).toEqual(await answerTo(method, filled.replace('/r0/', '/v3/')));
  expect(old[1] === 'M_UNRECOGNIZED').toBe(NOT_THERE.includes(endpoint));
});

it.each(['add', 'bind', 'delete', 'unbind'])(
  'account/3pid/%s is answered under the name that it had before',
  async (name) => {
    const old = await answerTo('POST', `/_matrix/client/unstable/account/3pid/${name}`);
    expect(old).toEqual(await answerTo('POST', `/_matrix/client/v3/account/3pid/${name}`));
    expect(old[1]).not.toBe('M_UNRECOGNIZED');
  },
);

it('nothing else is answered under a name that it never had', async () => {
  for (const path of ['account/whoami', 'account/3pid', 'account/3pid/addx', 'account/3pid/add/x']) {
    expect(await answerTo('POST', `/_matrix/client/unstable/${path}`)).toEqual([404, 'M_UNRECOGNIZED']);
  }
});
