import { LOCAL_EPHEMERA, type LocalPresence, type LocalReceipt, type LocalTyping } from '@ganglion/contracts';
import { eventually } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

let deployment: Deployment;
let replica: Replica;
let alice: Person;
let roomId: string;
let hello: string;
const receipts: LocalReceipt[] = [];
const typing: LocalTyping[] = [];
const presence: LocalPresence[] = [];

beforeAll(async () => {
  deployment = await Deployment.create();
  replica = await deployment.start({ presence: true });
  await deployment.testBus.bus.listen(LOCAL_EPHEMERA, (heard) => {
    receipts.push(...heard.receipts);
    typing.push(...heard.typing);
    presence.push(...heard.presence);
  });
});
afterAll(() => deployment.close());
beforeEach(async () => {
  receipts.length = 0;
  typing.length = 0;
  presence.length = 0;
  alice = deployment.person('alice', replica);
  roomId = await deployment.rooms.create(alice.userId, '@far:far.test');
  hello = await deployment.rooms.say(roomId, '@far:far.test', 'Hello');
  await alice.sees(roomId, hello);
});

const post = (type: string, body: object = {}) =>
  alice.call('POST', `rooms/${encodeURIComponent(roomId)}/receipt/${type}/${encodeURIComponent(hello)}`, body);

describe('what our users read and type', () => {
  it('is told for other servers, once, and never what is private', async () => {
    expect((await post('m.read.private')).status).toBe(200);
    expect((await post('m.read')).status).toBe(200);
    expect((await post('m.read')).status).toBe(200);
    expect((await post('m.read', { thread_id: 'main' })).status).toBe(200);
    const known = { roomId, userId: alice.userId, eventId: hello, ts: expect.any(Number) };
    await eventually(() => {
      expect(receipts).toEqual([
        { ...known, threadId: '' },
        { ...known, threadId: 'main' },
      ]);
    });
  });

  it('is told of typing, with how long it lasts', async () => {
    await alice.types(roomId, true);
    await alice.types(roomId, false);
    const known = { roomId, userId: alice.userId };
    await eventually(() => {
      expect(typing).toEqual([
        { ...known, timeoutMs: expect.any(Number) },
        { ...known, timeoutMs: 0 },
      ]);
    });
    expect(typing[0]!.timeoutMs).toBeGreaterThan(0);
  });

  it('is not told of users of other servers', async () => {
    const { remoteEphemeral } = replica.server;
    await remoteEphemeral.setTyping({ typing: [{ roomId, userId: '@far:far.test', typing: true }] });
    const receipt = { roomId, userId: '@far:far.test', eventId: hello, threadId: '', ts: 1 };
    await remoteEphemeral.putReceipts({ receipts: [receipt] });
    await alice.types(roomId, true);
    await post('m.read');
    await eventually(() => expect([receipts.length, typing.length]).toEqual([1, 1]));
    expect([...receipts, ...typing].map(({ userId }) => userId)).toEqual([alice.userId, alice.userId]);
  });

  it('is told of how reachable they are, and not of users of other servers', async () => {
    const far = { userId: '@far:far.test', presence: 'online', lastActiveAgoMs: 0 };
    await replica.server.remoteEphemeral.setPresence({ presence: [far] });
    const path = `presence/${encodeURIComponent(alice.userId)}/status`;
    expect((await alice.call('PUT', path, { presence: 'unavailable', status_msg: 'away' })).status).toBe(200);
    const away = { userId: alice.userId, presence: 'unavailable', statusMsg: 'away', lastActiveTs: expect.any(Number) };
    await eventually(() => expect(presence).toContainEqual(away));
    expect(presence.filter(({ userId }) => userId !== alice.userId)).toEqual([]);
  });
});
