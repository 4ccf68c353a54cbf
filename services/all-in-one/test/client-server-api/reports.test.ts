import { Homeserver, type Replica } from '../support/homeserver.js';
import { inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let other: Replica;
let alice: Person;
let bob: Person;
let admin: Person;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
  other = await homeserver.start();
  [alice, bob] = [await Person.register(replica.url), await Person.register(replica.url)];
  const made = await Person.register(replica.url, 'admin');
  await replica.db.query({
    text: 'UPDATE user_server.accounts SET admin = true WHERE user_id = $1',
    values: [made.userId],
  });
  admin = await made.onNewDevice();
});
afterAll(() => homeserver.close());

const reports = async (query = '') =>
  (await admin.at(other.url).must('GET', `/_synapse/admin/v1/event_reports${query}`)) as {
    event_reports: Record<string, unknown>[];
    total: number;
    next_token?: number;
  };

it('an event, a room and a user are reported, and administrators read it, the latest first', async () => {
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  const eventId = await alice.say(roomId, 'something bad');
  await bob.must('POST', `${inRoom(roomId)}/join`);
  const { total } = await reports();
  await bob.must('POST', `${inRoom(roomId)}/report/${encodeURIComponent(eventId)}`, { reason: 'bad', score: -100 });
  await bob.must('POST', `${inRoom(roomId)}/report`, { reason: 'a bad room' });
  await bob.must('POST', `users/${encodeURIComponent(alice.userId)}/report`, { reason: '' });
  const told = await reports('?limit=3');
  expect(told.total).toBe(total + 3);
  const common = { id: expect.any(Number), received_ts: expect.any(Number), user_id: bob.userId };
  expect(told.event_reports).toEqual([
    { ...common, reason: '', sender: alice.userId },
    { ...common, reason: 'a bad room', room_id: roomId },
    { ...common, reason: 'bad', room_id: roomId, event_id: eventId, sender: alice.userId, score: -100 },
  ]);
  const pages = [await reports('?limit=2&dir=f'), await reports('?limit=2&dir=f&from=2')];
  const ids = pages.flatMap((page) => page.event_reports.map(({ id }) => id as number));
  expect(ids).toEqual([...ids].sort((one, another) => one - another));
  expect(pages[0]!.next_token).toBe(2);
});

it('nobody reports what they may not see, or what there is not, and nobody else reads reports', async () => {
  const roomId = await alice.createRoom({ preset: 'private_chat' });
  const eventId = await alice.say(roomId, 'a secret');
  const refused = async (path: string) => {
    const { status, body } = await bob.post(path, { reason: 'x' });
    return [status, body.errcode];
  };
  expect(await refused(`${inRoom(roomId)}/report/${encodeURIComponent(eventId)}`)).toEqual([404, 'M_NOT_FOUND']);
  expect(await refused(`${inRoom('!nowhere:one.test')}/report`)).toEqual([404, 'M_NOT_FOUND']);
  expect(await refused(`users/${encodeURIComponent('@nobody:one.test')}/report`)).toEqual([404, 'M_NOT_FOUND']);
  expect((await bob.get('/_synapse/admin/v1/event_reports')).body.errcode).toBe('M_FORBIDDEN');
});
