import type { JsonObject } from '@ganglion/protocol';
import { CrossSigner, CryptoDevice, eventually } from '@ganglion/testing';
import { Neighbours } from '../support/federation.js';
import type { Person } from '../support/person.js';

const USER = '/_matrix/federation/v1/user';

let neighbours: Neighbours;
let alice: Person;
let device: CryptoDevice;
beforeAll(async () => {
  neighbours = await Neighbours.meet();
  alice = await neighbours.person('alice');
  device = new CryptoDevice(alice.userId, alice.deviceId);
  const keys = { device_keys: device.keys(), one_time_keys: device.oneTimeKeys(2) };
  await alice.must('POST', 'keys/upload', keys);
  await alice.must('POST', 'keys/device_signing/upload', new CrossSigner(alice.userId).upload());
});
afterAll(() => neighbours.close());

const ask = (method: string, path: string, content?: JsonObject) =>
  neighbours.far.ask(neighbours.url, method, `${USER}/${path}`, content);

describe('another server', () => {
  it('learns which keys a user and their devices have, and nothing that is only for the user', async () => {
    const { status, body } = await ask('POST', 'keys/query', {
      device_keys: { [alice.userId]: [], '@nobody:one.test': [], '@other:elsewhere.test': [] },
    });
    expect(status).toBe(200);
    expect(Object.keys(body).toSorted()).toEqual(['device_keys', 'master_keys', 'self_signing_keys']);
    expect(body.device_keys).toMatchObject({ [alice.userId]: { [alice.deviceId]: device.keys() } });
    expect(Object.keys(body.device_keys)).not.toContain('@other:elsewhere.test');
    expect(Object.keys(body.master_keys)).toEqual([alice.userId]);
  });

  it('learns all devices of a user, and how far their changes have come', async () => {
    const { status, body } = await ask('GET', `devices/${encodeURIComponent(alice.userId)}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ user_id: alice.userId, stream_id: expect.any(Number) },
      devices: [{ device_id: alice.deviceId, keys: device.keys() }],
      ...{ master_key: { usage: ['master'] }, self_signing_key: { usage: ['self_signing'] } },
    });
    expect((await ask('GET', `devices/${encodeURIComponent('@a:elsewhere.test')}`)).status).toBe(404);
  });

  it('gets each one-time key once', async () => {
    const wanted = { one_time_keys: { [alice.userId]: { [alice.deviceId]: 'signed_curve25519' } } };
    const answers = await Promise.all([1, 2, 3].map(() => ask('POST', 'keys/claim', wanted)));
    const ids = answers.flatMap(({ body }) => Object.keys(body.one_time_keys[alice.userId]?.[alice.deviceId] ?? {}));
    expect([ids.length, new Set(ids).size]).toEqual([2, 2]);
  });
});

describe('another server tells', () => {
  const send = (...edus: JsonObject[]) => neighbours.far.send(neighbours.url, { edus });
  const direct = (sender: string, messageId: string, content: JsonObject) => ({
    edu_type: 'm.direct_to_device',
    content: {
      ...{ sender, type: 'org.example.note', message_id: messageId },
      messages: { [alice.userId]: { [alice.deviceId]: content }, '@other:elsewhere.test': { X: {} } },
    },
  });

  it('devices what its users send them, once', async () => {
    const bob = neighbours.far.user('bob');
    const since = (await alice.must('GET', 'sync')).next_batch as string;
    const edu = direct(bob, 'one', { text: 'hello' });
    const malformed = { edu_type: 'm.direct_to_device', content: { sender: bob, messages: 5 } };
    const tooLarge = direct(bob, 'large', { text: 'x'.repeat(100_000) });
    expect((await send(malformed, tooLarge, edu, direct('@forged:one.test', 'two', {}))).status).toBe(200);
    expect((await send(edu)).status).toBe(200);
    await eventually(async () => {
      const { to_device } = await alice.must('GET', `sync?since=${since}`);
      expect(to_device?.events).toEqual([{ sender: bob, type: 'org.example.note', content: { text: 'hello' } }]);
    }, 30_000);
  });

  it('devices what is right for them, whatever is wrong beside it in the same EDU', async () => {
    const bob = neighbours.far.user('bob');
    const since = (await alice.must('GET', 'sync')).next_batch as string;
    const messages: JsonObject = {
      ...{ 'no user': { X: {} }, [neighbours.far.user('carol')]: 5, '@none:one.test': { X: 'text', Y: null } },
      [alice.userId]: { OTHER: { text: 'x'.repeat(70_000) }, [alice.deviceId]: { text: 'right' } },
    };
    const edu = { edu_type: 'm.direct_to_device', content: { ...direct(bob, 'mixed', {}).content, messages } };
    expect((await send(edu)).status).toBe(200);
    await eventually(async () => {
      const { to_device } = await alice.must('GET', `sync?since=${since}`);
      expect(to_device?.events).toEqual([{ sender: bob, type: 'org.example.note', content: { text: 'right' } }]);
    }, 30_000);
  });

  it('those who share a room that its user has other keys than before', async () => {
    const room = await neighbours.farRoom(alice);
    const since = (await alice.must('GET', 'sync')).next_batch as string;
    const update = (user_id: string) => ({
      edu_type: 'm.device_list_update',
      content: { user_id, device_id: 'NEW', stream_id: 5 },
    });
    expect((await send(update('@forged:elsewhere.test'), update(room.creator))).status).toBe(200);
    await eventually(async () => {
      const { device_lists } = await alice.must('GET', `sync?since=${since}`);
      expect(device_lists?.changed).toEqual([room.creator]);
    }, 30_000);
  });
});
