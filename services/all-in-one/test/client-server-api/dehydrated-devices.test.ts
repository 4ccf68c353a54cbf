import { CryptoDevice, eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let other: Replica;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
  other = await homeserver.start();
});
afterAll(() => homeserver.close());

const PATH = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device';

async function withDehydrated(): Promise<Person> {
  const person = await Person.register(replica.url);
  const device = new CryptoDevice(person.userId, 'COLD');
  const keys = { device_keys: device.keys(), one_time_keys: device.oneTimeKeys(1) };
  await person.must('PUT', PATH, { device_id: 'COLD', device_data: { algorithm: 'x' }, ...keys });
  return person;
}

async function send(from: Person, to: Person, count: number, first = 0): Promise<void> {
  for (let index = first; index < first + count; index++) {
    const messages = { [to.userId]: { '*': { index } } };
    await from.must('PUT', `sendToDevice/org.example.secret/${to.userId}-${index}`, { messages });
  }
}
const indexes = (events: { content: { index: number } }[]) => events.map(({ content }) => content.index);

it('what is sent to a dehydrated device is read by the next one, in order, at any replica, as often as it likes', async () => {
  const [person, sender] = [await withDehydrated(), await Person.register(replica.url)];
  await send(sender, person, 5);
  for (const url of [replica.url, other.url]) {
    await eventually(async () => {
      const { events, next_batch } = await person.at(url).must('GET', `${PATH}/COLD/events`);
      expect([indexes(events), next_batch]).toEqual([[0, 1, 2, 3, 4], undefined]);
      expect(events[0]).toEqual({ type: 'org.example.secret', sender: sender.userId, content: { index: 0 } });
    });
  }
});

it('much is read in pages, as the clients of today ask and as those of some time ago did', async () => {
  const [person, sender] = [await withDehydrated(), await Person.register(replica.url)];
  await send(sender, person, 120);
  await eventually(async () => {
    const seen: number[] = [];
    let from = '';
    do {
      const { events, next_batch } = await person.must('GET', `${PATH}/COLD/events${from}`);
      seen.push(...indexes(events));
      from = next_batch && `?from=${next_batch}`;
    } while (from);
    expect(seen).toEqual(Array.from({ length: 120 }, (_, index) => index));
  });
  const seen: number[] = [];
  let page = await person.must('POST', `${PATH}/COLD/events`, {});
  while (page.events.length > 0) {
    seen.push(...indexes(page.events));
    page = await person.must('POST', `${PATH}/COLD/events`, { next_batch: page.next_batch });
  }
  expect(seen).toHaveLength(120);
});

it('only a dehydrated device of one’s own is read', async () => {
  const [person, stranger] = [await withDehydrated(), await Person.register(replica.url)];
  const own = await person.get(`${PATH}/${person.deviceId}/events`);
  expect([own.status, own.body.errcode]).toEqual([403, 'M_FORBIDDEN']);
  const others = await stranger.get(`${PATH}/COLD/events`);
  expect([others.status, others.body.errcode]).toEqual([404, 'M_NOT_FOUND']);
});

it('messages go with the device, and others hear that its keys have', async () => {
  const [person, sender] = [await withDehydrated(), await Person.register(replica.url)];
  const roomId = await person.createRoom({ preset: 'public_chat' });
  await sender.must('POST', `rooms/${encodeURIComponent(roomId)}/join`);
  await send(sender, person, 1);
  const { next_batch: since } = await sender.must('GET', 'sync');
  const waiting = async () => {
    const text = "SELECT count(*)::int AS count FROM sync.device_inbox WHERE user_id = $1 AND device_id = 'COLD'";
    const { rows } = await replica.db.query<{ count: number }>({ text, values: [person.userId] });
    return rows[0]?.count;
  };
  await eventually(async () => expect(await waiting()).toBe(1));
  await person.must('DELETE', PATH);
  await eventually(async () => expect(await waiting()).toBe(0));
  await eventually(async () => {
    const { device_lists } = await sender.must('GET', `sync?since=${since}`);
    expect(device_lists?.changed).toContain(person.userId);
  });
  const { device_keys } = await sender.must('POST', 'keys/query', { device_keys: { [person.userId]: [] } });
  expect(Object.keys(device_keys[person.userId])).not.toContain('COLD');
});
