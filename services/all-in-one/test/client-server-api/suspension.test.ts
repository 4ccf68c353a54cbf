import { CONTACT_EXAMPLES } from '../support/contact-examples.js';
import { EXAMPLES, setScene } from '../support/endpoint-examples.js';
import { Homeserver, type Replica, WITH_EMAIL } from '../support/homeserver.js';
import { pathOf } from '../support/hostile-input.js';
import { KEY_EXAMPLES } from '../support/key-examples.js';
import { type Answer, exchange, inRoom, Person } from '../support/person.js';

const V3 = '/_matrix/client/v3';
const SUBSCRIPTION = '/_matrix/client/unstable/io.element.msc4306/rooms/:roomId/thread/:rootId/subscription';
const DELAYED = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events';

/** Of what changes something, what suspended accounts may do; of reading, they may do all. */
const MAY = [
  'DELETE /_matrix/client/unstable/org.matrix.msc3391/user/:userId/account_data/:type',
  'DELETE /_matrix/client/unstable/org.matrix.msc3391/user/:userId/rooms/:roomId/account_data/:type',
  `DELETE ${V3}/devices/:deviceId`,
  `DELETE ${V3}/pushrules/:scope`,
  `DELETE ${V3}/pushrules/:scope/:kind`,
  `DELETE ${V3}/pushrules/:scope/:kind/:ruleId`,
  `DELETE ${V3}/user/:userId/rooms/:roomId/tags/:tag`,
  'POST /_matrix/client/unstable/account_validity/send_mail',
  `PUT ${SUBSCRIPTION}`,
  `DELETE ${SUBSCRIPTION}`,
  // Whoever knows their ids may, logged in or not.
  ...['', '/cancel', '/restart'].map((action) => `POST ${DELAYED}/:delayId${action}`),
  'POST /_matrix/client/v1/login/get_token',
  `POST ${V3}/account/deactivate`,
  `POST ${V3}/account/password`,
  `POST ${V3}/auth/:authType/fallback/web`,
  `POST ${V3}/delete_devices`,
  `POST ${V3}/logout`,
  `POST ${V3}/logout/all`,
  `POST ${V3}/publicRooms`,
  `POST ${V3}/pushers/set`,
  `POST ${V3}/rooms/:roomId/forget`,
  `POST ${V3}/rooms/:roomId/leave`,
  `POST ${V3}/rooms/:roomId/read_markers`,
  `POST ${V3}/rooms/:roomId/receipt/:receiptType/:eventId`,
  `POST ${V3}/user/:userId/filter`,
  `POST ${V3}/user_directory/search`,
  `PUT ${V3}/devices/:deviceId`,
  `PUT ${V3}/pushrules/:scope`,
  `PUT ${V3}/pushrules/:scope/:kind`,
  `PUT ${V3}/pushrules/:scope/:kind/:ruleId`,
  `PUT ${V3}/pushrules/:scope/:kind/:ruleId/:attribute`,
  `PUT ${V3}/rooms/:roomId/redact/:eventId/:txnId`,
  `PUT ${V3}/sendToDevice/:eventType/:txnId`,
  `PUT ${V3}/user/:userId/account_data/:type`,
  `PUT ${V3}/user/:userId/rooms/:roomId/account_data/:type`,
  `PUT ${V3}/user/:userId/rooms/:roomId/tags/:tag`,
  // They may verify devices and go on writing their backup.
  ...Object.keys(KEY_EXAMPLES).filter((route) => !route.startsWith('GET ')),
].toSorted();
/** They log in, and out of what needs no token. */
const NEEDS_NO_TOKEN = [
  ...[`POST ${V3}/login`, `POST ${V3}/refresh`, `POST ${V3}/register`],
  ...Object.keys(CONTACT_EXAMPLES).filter((route) => /requestToken|_ganglion/.test(route)),
];

let homeserver: Homeserver;
let replica: Replica;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start(WITH_EMAIL);
});
afterAll(() => homeserver.close());

const SUSPENDED = [403, 'M_USER_SUSPENDED'];
const refusal = ({ status, body }: Answer) => [status, body.errcode];

/** Makes somebody an administrator, who suspends others; a token is asked for anew by who has a new device. */
async function suspend(person: Person, suspended = true): Promise<void> {
  const admin = await Person.register(replica.url, 'admin');
  const text = 'UPDATE user_server.accounts SET admin = true WHERE user_id = $1';
  await replica.db.query({ text, values: [admin.userId] });
  await admin.must('PUT', `/_matrix/client/v1/admin/suspend/${person.userId}`, { suspended });
}

it('only what they are told may be changed by suspended accounts', async () => {
  const open: string[] = [];
  // Other servers are let in by what they sign.
  const ofClients = Object.entries(EXAMPLES).filter(([route]) => !/_matrix\/(federation|key)\//.test(route));
  for (const [route, makeExample] of ofClients) {
    const method = route.slice(0, route.indexOf(' '));
    if (method === 'GET' || NEEDS_NO_TOKEN.includes(route) || route.includes('_synapse')) continue;
    const scene = await setScene(replica.url);
    const example = await makeExample(scene);
    await suspend(scene.person);
    const headers = { authorization: `Bearer ${scene.person.token}` };
    const answer = await exchange(replica.url, method, pathOf(route, example), { headers, body: example.body });
    if (answer.body.errcode === 'M_USER_SUSPENDED') continue;
    expect([route, answer.status]).toEqual([route, example.status ?? 200]);
    open.push(route);
  }
  expect(open.toSorted()).toEqual(MAY);
  // A scene for each endpoint.
}, 300_000);

describe('in a room, who is suspended', () => {
  let person: Person;
  let other: Person;
  let roomId: string;
  let eventId: string;
  beforeEach(async () => {
    ({ person, other, roomId, eventId } = await setScene(replica.url));
  });

  it('takes back what they have said, not what others have, whatever their power', async () => {
    const own = await person.say(roomId, 'mine');
    const others = await other.say(roomId, 'theirs');
    await suspend(person);
    const redact = (id: string) => person.put(`${inRoom(roomId)}/redact/${encodeURIComponent(id)}/${id}`);
    expect(refusal(await redact(others))).toEqual(SUSPENDED);
    expect((await redact(own)).status).toBe(200);
    const send = (redacts: string) => person.put(`${inRoom(roomId)}/send/m.room.redaction/${redacts}`, { redacts });
    expect(refusal(await send(others))).toEqual(SUSPENDED);
    expect((await send(eventId)).status).toBe(200);
    const shown = await other.must('GET', `${inRoom(roomId)}/event/${encodeURIComponent(others)}`);
    expect(shown.content).toMatchObject({ body: 'theirs' });
  });

  it('reads and leaves, by either way, and does not come back', async () => {
    await suspend(other);
    const member = `${inRoom(roomId)}/state/m.room.member/${encodeURIComponent(other.userId)}`;
    expect((await other.get(`${inRoom(roomId)}/messages?dir=b`)).status).toBe(200);
    expect(refusal(await other.put(`${inRoom(roomId)}/send/m.room.message/1`, { body: 'x' }))).toEqual(SUSPENDED);
    expect(refusal(await other.put(`${inRoom(roomId)}/state/m.room.topic`, { topic: 'x' }))).toEqual(SUSPENDED);
    expect(refusal(await other.put(member, { membership: 'join', displayname: 'x' }))).toEqual(SUSPENDED);
    expect((await other.put(member, { membership: 'leave' })).status).toBe(200);
    expect(refusal(await other.post(`${inRoom(roomId)}/join`))).toEqual(SUSPENDED);
    expect(refusal(await other.put(member, { membership: 'join' }))).toEqual(SUSPENDED);
    await suspend(other, false);
    expect((await other.post(`${inRoom(roomId)}/join`)).status).toBe(200);
  });
});

/** What a /sync that waits is refused with, whatever comes before that. */
async function untilRefused(person: Person, since: string) {
  for (let from = since; ; ) {
    const answer = await person.get(`sync?timeout=60000&since=${from}`);
    if (answer.status !== 200) return answer;
    from = answer.body.next_batch;
  }
}

it('a /sync that waits ends at once when the account is locked, and goes on with the same token when it is not any more', async () => {
  const { person } = await setScene(replica.url);
  const { next_batch: since } = await person.must('GET', 'sync');
  const waiting = untilRefused(person, since);
  const admin = await Person.register(replica.url, 'admin');
  const text = 'UPDATE user_server.accounts SET admin = true WHERE user_id = $1';
  await replica.db.query({ text, values: [admin.userId] });
  const lock = (locked: boolean) => admin.must('PUT', `/_matrix/client/v1/admin/lock/${person.userId}`, { locked });
  await lock(true);
  const answer = await waiting;
  expect([answer.status, answer.body]).toEqual([
    401,
    expect.objectContaining({ errcode: 'M_USER_LOCKED', soft_logout: true }),
  ]);
  await lock(false);
  expect((await person.get(`sync?timeout=0&since=${since}`)).status).toBe(200);
  expect((await admin.must('GET', 'capabilities')).capabilities['m.account_moderation']).toEqual({
    suspend: true,
    lock: true,
  });
  expect((await person.must('GET', 'capabilities')).capabilities['m.account_moderation']).toBeUndefined();
});
