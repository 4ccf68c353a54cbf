import { CONTACT_EXAMPLES } from './support/contact-examples.js';
import { EXAMPLES, setScene } from './support/endpoint-examples.js';
import { FEDERATION_EXAMPLES } from './support/federation-examples.js';
import { Homeserver, type Replica, WITH_EMAIL } from './support/homeserver.js';
import { pathOf } from './support/hostile-input.js';
import { inRoom, Person } from './support/person.js';

let homeserver: Homeserver;
let replica: Replica;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start(WITH_EMAIL);
});
afterAll(() => homeserver.close());

const V3 = '/_matrix/client/v3';
const NUMBERS = ['9007199254740993', '1.0', '1e3'];
/** Of the endpoints that take a body, those that look at what they know and keep nothing else of it. */
const KEEP_NOTHING_MORE = [
  ...Object.keys(FEDERATION_EXAMPLES),
  ...Object.keys(CONTACT_EXAMPLES),
  'POST /_matrix/key/v2/query',
  'PUT /_matrix/federation/v1/3pid/onbind',
  'POST /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/:deviceId/events',
  'POST /_matrix/client/unstable/org.matrix.msc4140/delayed_events/:delayId',
  'PUT /_matrix/client/unstable/io.element.msc4306/rooms/:roomId/thread/:rootId/subscription',
  'POST /_matrix/client/v1/login/get_token',
  'POST /_synapse/admin/v1/registration_tokens/new',
  'PUT /_synapse/admin/v1/registration_tokens/:token',
  ...['', '/:eventId'].map((path) => `POST /_synapse/admin/v1/purge_history/:roomId${path}`),
  'PUT /_synapse/admin/v1/rooms/:roomId/block',
  'POST /_synapse/admin/v1/send_server_notice',
  'PUT /_synapse/admin/v1/send_server_notice/:txnId',
  ...['POST /_synapse/admin/v1/register', `POST ${V3}/login`, `POST ${V3}/refresh`, `POST ${V3}/register`],
  ...[`POST ${V3}/account/password`, `POST ${V3}/account/deactivate`, `POST ${V3}/delete_devices`],
  ...[`PUT ${V3}/devices/:deviceId`, `DELETE ${V3}/devices/:deviceId`, `POST ${V3}/publicRooms`],
  ...[`PUT ${V3}/directory/room/:roomAlias`, `PUT ${V3}/directory/list/room/:roomId`],
  ...['upgrade', 'leave', 'invite', 'kick', 'ban', 'unban', 'read_markers', 'receipt/:receiptType/:eventId'].map(
    (path) => `POST ${V3}/rooms/:roomId/${path}`,
  ),
  ...[`POST ${V3}/knock/:roomIdOrAlias`, `PUT ${V3}/rooms/:roomId/redact/:eventId/:txnId`],
  ...[`PUT ${V3}/rooms/:roomId/typing/:userId`, `POST ${V3}/keys/query`, `POST ${V3}/keys/claim`],
  ...[
    `POST ${V3}/rooms/:roomId/upgrade`,
    `POST ${V3}/user_directory/search`,
    `POST ${V3}/search`,
    `POST ${V3}/users/:userId/report`,
  ],
  ...['report', 'report/:eventId'].map((path) => `POST ${V3}/rooms/:roomId/${path}`),
  ...['lock', 'suspend'].map((path) => `PUT /_matrix/client/v1/admin/${path}/:userId`),
];

/** The endpoints that keep what they are given, whatever that is. */
async function keepers(): Promise<string[]> {
  const scene = await setScene(replica.url);
  const found: string[] = [];
  for (const [route, makeExample] of Object.entries(EXAMPLES)) {
    const { body } = await makeExample(scene);
    if (body !== undefined && !KEEP_NOTHING_MORE.includes(route)) found.push(route);
  }
  return found;
}

it('a number is kept to the byte by whatever keeps it, or refused with the reason', async () => {
  for (const route of await keepers()) {
    const scene = await setScene(replica.url);
    for (const number of NUMBERS) {
      const example = await EXAMPLES[route]!(scene);
      const path = pathOf(route, example);
      const method = route.slice(0, route.indexOf(' '));
      const body = JSON.stringify(example.body).replace(/\}$/, `,"org.example.number":[${number}]}`);
      const { status, body: answer } = await scene.person.call(method, path, body);
      if (route.includes('/account_data/')) {
        expect([route, status, (await scene.person.get(path)).text]).toEqual([route, 200, body]);
      } else if (/\/(tags|sendToDevice)\//.test(route) && number !== NUMBERS[0]) {
        // How a number is written is nothing to a tag, nor to a device.
        expect([route, status]).toEqual([route, 200]);
      } else {
        expect([route, status, answer.errcode]).toEqual([route, 400, 'M_BAD_JSON']);
        expect(answer.error).toContain(`The number ${number} would be kept as`);
      }
    }
  }
}, 180_000);

it.each(['1', '5', '6', '12'])('a number in an event of a room of version %s is never another one', async (version) => {
  const alice = await Person.register(replica.url);
  const roomId = await alice.createRoom({ room_version: version });
  const path = `${inRoom(roomId)}/state/org.example.number`;
  for (const number of [...NUMBERS, '-0', '0.1000000000000000055511151231257827']) {
    expect((await alice.call('PUT', path, `{"n":${number}}`)).status).toBe(400);
    const nested = `{"initial_state":[{"type":"org.example.number","content":{"n":[${number}]}}]}`;
    expect((await alice.call('POST', 'createRoom', nested)).status).toBe(400);
  }
  for (const number of ['0', '-1', '9007199254740991']) {
    await alice.must('PUT', path, { n: Number(number) });
    expect((await alice.get(path)).text).toBe(`{"n":${number}}`);
  }
});
