import { CryptoDevice } from '@ganglion/testing';
import type { FederatedHomeserver } from '../support/federated-homeserver.js';
import type { Person } from '../support/person.js';
import { heard, join, LONG_MS, membershipOf, soon, TwoHomeservers } from '../support/two-homeservers.js';

let servers: TwoHomeservers;
let here: FederatedHomeserver;
let there: FederatedHomeserver;
let anna: Person;
let bert: Person;

beforeAll(async () => {
  servers = await TwoHomeservers.start();
  ({ here, there, anna, bert } = servers);
}, LONG_MS);
afterAll(() => servers?.close(), LONG_MS);

const encoded = encodeURIComponent;

it(
  'messages to devices reach those of another server, in order, also when it was away',
  async () => {
    const send = (from: Person, to: Person, deviceId: string, n: number) =>
      from.put(`sendToDevice/m.test/${from.userId}${n}`, { messages: { [to.userId]: { [deviceId]: { n } } } });
    expect(await send(anna, bert, bert.deviceId, 1)).toMatchObject({ status: 200 });
    await there.pause();
    for (const n of [2, 3]) expect(await send(anna, bert, '*', n)).toMatchObject({ status: 200 });
    await there.resume();
    bert = there.again(bert);
    expect(await send(bert, anna, anna.deviceId, 1)).toMatchObject({ status: 200 });
    const numbers = async (person: Person) => {
      const { body } = await person.get('sync');
      const events: { type: string; content: { n: number } }[] = body.to_device?.events ?? [];
      return events.filter(({ type }) => type === 'm.test').map(({ content }) => content.n);
    };
    await soon(async () => expect(await numbers(bert)).toEqual([1, 2, 3]));
    await soon(async () => expect(await numbers(anna)).toEqual([1]));
  },
  LONG_MS,
);

it(
  'who shares a room hears that somebody of another server has a new device, and when it has ended',
  async () => {
    const roomId = await anna.createRoom({ preset: 'public_chat' });
    await join(bert, roomId, here);
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('join'));
    const phone = await anna.onNewDevice();
    const device = new CryptoDevice(anna.userId, phone.deviceId);
    const told = async (since: string) => {
      const { body } = await bert.get(`sync?since=${since}`);
      return body.device_lists?.changed ?? [];
    };
    const known = async () => {
      const { body } = await bert.post('keys/query', { device_keys: { [anna.userId]: [] } });
      return Object.keys(body.device_keys?.[anna.userId] ?? {});
    };
    const { next_batch: before } = (await bert.get('sync')).body;
    await phone.must('POST', 'keys/upload', { device_keys: device.keys() });
    await soon(async () => expect(await told(before)).toContain(anna.userId));
    await soon(async () => expect(await known()).toContain(phone.deviceId));
    const { next_batch: between } = (await bert.get('sync')).body;
    await phone.must('POST', 'logout');
    await soon(async () => expect(await told(between)).toContain(anna.userId));
    await soon(async () => expect(await known()).not.toContain(phone.deviceId));
  },
  LONG_MS,
);

it(
  'people see who of another server types and what they have read, but for what is private',
  async () => {
    const roomId = await anna.createRoom({ preset: 'public_chat' });
    await join(bert, roomId, here);
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('join'));
    const [first, second] = [await anna.say(roomId, 'first'), await anna.say(roomId, 'second')];
    await soon(async () => expect(await heard(bert, roomId)).toEqual(['first', 'second']));
    await soon(async () => {
      const sent = await bert.post(`rooms/${encoded(roomId)}/receipt/m.read/${encoded(first)}`);
      expect(sent.status).toBe(200);
    });
    await bert.must('POST', `rooms/${encoded(roomId)}/receipt/m.read.private/${encoded(second)}`);
    await bert.must('PUT', `rooms/${encoded(roomId)}/typing/${encoded(bert.userId)}`, {
      typing: true,
      timeout: 60_000,
    });
    const ephemeral = async (type: string) => {
      const { body } = await anna.get('sync');
      const events: { type: string; content: Record<string, unknown> }[] =
        body.rooms?.join?.[roomId]?.ephemeral.events ?? [];
      return events.find((event) => event.type === type)?.content;
    };
    await soon(async () => expect(await ephemeral('m.typing')).toEqual({ user_ids: [bert.userId] }));
    await soon(async () => {
      const content = (await ephemeral('m.receipt')) ?? {};
      expect(content[first]).toMatchObject({ 'm.read': { [bert.userId]: { ts: expect.any(Number) } } });
      expect(JSON.stringify(content[second] ?? {})).not.toContain(bert.userId);
    });
    await bert.must('PUT', `rooms/${encoded(roomId)}/typing/${encoded(bert.userId)}`, { typing: false });
    await soon(async () => expect((await ephemeral('m.typing'))?.user_ids ?? []).toEqual([]));
  },
  LONG_MS,
);

it(
  'people see how reachable somebody of another server is, and what they say about it',
  async () => {
    const roomId = await anna.createRoom({ preset: 'public_chat' });
    await join(bert, roomId, here);
    const shown = async (person: Person) => {
      const { body } = await person.get('sync');
      const events: { sender: string; content: object }[] = body.presence?.events ?? [];
      return events.find(({ sender }) => sender === anna.userId)?.content;
    };
    for (const presence of ['online', 'unavailable']) {
      const path = `presence/${encoded(anna.userId)}/status`;
      expect((await anna.put(path, { presence, status_msg: `now ${presence}` })).status).toBe(200);
      await soon(async () => expect(await shown(bert)).toMatchObject({ presence, status_msg: `now ${presence}` }));
    }
  },
  LONG_MS,
);
