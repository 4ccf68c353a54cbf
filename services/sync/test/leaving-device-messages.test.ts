import { Deployment, type Replica } from './support/deployment.js';
import { messagesIn, sendTo } from './support/mailbox.js';
import type { Person } from './support/person.js';

let deployment: Deployment;
let replicas: [Replica, Replica];
let alice: Person;

beforeAll(async () => {
  deployment = await Deployment.create();
  replicas = [await deployment.start(), await deployment.start()];
});
afterAll(() => deployment.close());
beforeEach(async () => {
  alice = deployment.person('alice', replicas[0]);
  deployment.devices.begin(alice.userId, 'DEVICE');
  await forgetAll();
});

async function waiting(limit = 100) {
  const { messages } = await replicas[1].server.leavingDeviceMessages.listLeavingDeviceMessages({ limit });
  return messages.map(({ messagesJson, ...message }) => ({ ...message, messages: JSON.parse(messagesJson) }));
}

async function forgetAll(): Promise<void> {
  const messageNids = (await waiting()).map(({ messageNid }) => messageNid);
  await replicas[0].server.leavingDeviceMessages.forgetLeavingDeviceMessages({ messageNids });
}

describe('messages to devices of other servers', () => {
  it('wait for the sender, each server its own, in the order in which they were sent', async () => {
    const first = { '@a:far.test': { ONE: { n: 1 }, TWO: { n: 2 } }, '@b:far.test': { '*': { n: 3 } } };
    await sendTo(alice, '1', { ...first, '@c:other.test': { ONE: { n: 4 } }, [alice.userId]: { DEVICE: { n: 5 } } });
    await sendTo(alice, '2', { '@a:far.test': { ONE: { n: 6 } } }, 'm.room_key');
    const own = { sender: alice.userId, messageId: expect.stringMatching(/^[\w-]{10,32}$/) };
    expect(await waiting()).toEqual([
      expect.objectContaining({ ...own, serverName: 'far.test', eventType: 'm.test', messages: first }),
      expect.objectContaining({ ...own, serverName: 'other.test', messages: { '@c:other.test': { ONE: { n: 4 } } } }),
      expect.objectContaining({ ...own, eventType: 'm.room_key', messages: { '@a:far.test': { ONE: { n: 6 } } } }),
    ]);
    expect(messagesIn(await alice.sync({ timeout: 5_000 }))).toHaveLength(1);
    await forgetAll();
    expect(await waiting()).toEqual([]);
  });

  it('wait once, however often and wherever they are sent under one transaction id', async () => {
    const there = alice.with({ url: replicas[1].url });
    await Promise.all([alice, there, alice].map((at) => sendTo(at, 'again', { '@a:far.test': { ONE: { n: 1 } } })));
    await sendTo(there, 'again', { '@a:far.test': { ONE: { n: 1 } } });
    expect(await waiting()).toHaveLength(1);
    await forgetAll();
    await sendTo(alice, 'again', { '@a:far.test': { ONE: { n: 1 } } });
    expect(await waiting()).toEqual([]);
  });

  it('that are too large for one EDU wait in parts, and what is for all devices stays with those that it names', async () => {
    const content = (n: number) => ({ n, text: 'x'.repeat(30_000) });
    const many = Object.fromEntries(Array.from({ length: 7 }, (_, n) => [`D${n}`, content(n)]));
    const all = { '*': content(8), D1: content(9), D2: content(10) };
    await sendTo(alice, 'large', { '@many:far.test': many, '@all:far.test': all });
    const parts = await waiting();
    expect(parts.length).toBeGreaterThan(3);
    expect(new Set(parts.map(({ messageId }) => messageId)).size).toBe(parts.length);
    const ofAll = parts.filter(({ messages }) => '@all:far.test' in messages);
    expect(ofAll).toHaveLength(1);
    expect(ofAll[0]!.messages['@all:far.test']).toEqual(all);
    expect(Object.assign({}, ...parts.map(({ messages }) => messages['@many:far.test']))).toEqual(many);
    const sizes = parts.map(({ messages }) => JSON.stringify(messages).length);
    expect(Math.max(...sizes.filter((size) => size < 80_000))).toBeLessThan(66_000);
    expect(await waiting(2)).toHaveLength(2);
  });

  it('are not passed on for another server', async () => {
    const { remoteEphemeral } = replicas[0].server;
    const messagesJson = JSON.stringify({ '@a:far.test': { ONE: { n: 1 } } });
    const sent = { sender: '@x:evil.test', messageId: 'm1', eventType: 'm.test', messagesJson };
    await remoteEphemeral.sendToDevices(sent);
    expect(await waiting()).toEqual([]);
  });

  it('are refused when they are for more servers than any client asks for', async () => {
    const many = Array.from({ length: 1_001 }, (_, n) => [`@a:s${n}.test`, { ONE: { n } }] as const);
    const refused = { status: 413, body: { errcode: 'M_TOO_LARGE' } };
    expect(await sendTo(alice, 'many', Object.fromEntries(many))).toMatchObject(refused);
    expect(await waiting()).toEqual([]);
    expect(await sendTo(alice, 'fewer', Object.fromEntries(many.slice(1)))).toMatchObject({ status: 200 });
    expect(await waiting(1_000)).toHaveLength(1_000);
    const { leavingDeviceMessages } = replicas[0].server;
    const messageNids = (await waiting(1_000)).map(({ messageNid }) => messageNid);
    await leavingDeviceMessages.forgetLeavingDeviceMessages({ messageNids });
  });

  it('are refused, all of them, when one is larger than an event may be', async () => {
    const text = 'x'.repeat(70_000);
    const messages = { '@a:far.test': { ONE: { n: 1 }, TWO: { text } } };
    expect(await sendTo(alice, 'huge', messages)).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
    expect(await waiting()).toEqual([]);
  });
});
