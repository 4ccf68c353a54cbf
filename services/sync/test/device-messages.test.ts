import { BUSES, eventually } from '@ganglion/testing';
import { EndedInboxes } from '../src/domain/devices/ended-inboxes.js';
import { DeviceMessageStore } from '../src/storage/device-message-store.js';
import { ReadStore } from '../src/storage/read-store.js';
import { Deployment, type Replica } from './support/deployment.js';
import { messagesIn, numbersUntil, sendTo } from './support/mailbox.js';
import type { Person } from './support/person.js';

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe.each(BUSES)('messages to devices, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let replicas: [Replica, Replica];
  let alice: Person;
  let bob: Person;
  let phone: Person;

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    replicas = [await deployment.start(), await deployment.start()];
  });
  afterAll(() => deployment.close());

  beforeEach(async () => {
    alice = deployment.person('alice', replicas[0]);
    bob = deployment.person('bob', replicas[1]);
    phone = bob.with({ deviceId: 'PHONE' });
    deployment.devices.begin(alice.userId, 'DEVICE');
    for (const deviceId of ['DEVICE', 'PHONE']) deployment.devices.begin(bob.userId, deviceId);
    await Promise.all([alice, bob, phone].map((person) => person.sync()));
  });

  const toBob = (n: number, txnId = `txn-${n}`, device = 'DEVICE') =>
    sendTo(alice, txnId, { [bob.userId]: { [device]: { n } } });
  /** How many messages there are: kept, waiting to be placed, and placed. */
  const stored = async () => {
    const own = 'WHERE user_id = ANY($1)';
    const { rows } = await deployment.db.query<Record<'kept' | 'waiting' | 'placed', number>>({
      text: `SELECT (SELECT count(*) FROM sync.device_messages ${own}) AS kept,
        (SELECT count(*) FROM sync.new_device_messages) AS waiting,
        (SELECT count(*) FROM sync.device_inbox ${own}) AS placed`,
      values: [[alice.userId, bob.userId]],
    });
    return rows[0];
  };

  it('wake the device that they are for, and nobody else', async () => {
    const waiting = [bob, phone].map((device) => device.sync({ timeout: 4_000 }));
    await eventually(async () => expect(await replicas[1].waiting()).toBe(2));
    expect(await sendTo(alice, 'txn', { [bob.userId]: { DEVICE: { n: 1 } } }, 'm.room_key')).toEqual({
      ...{ status: 200, body: {} },
    });
    const [toDevice, toPhone] = await Promise.all(waiting);
    expect(messagesIn(toDevice)).toEqual([{ sender: alice.userId, type: 'm.room_key', content: { n: 1 } }]);
    expect(toPhone.to_device).toBeUndefined();
  });

  it('are told until the device comes back with the token that came with them, at whichever replica', async () => {
    await toBob(1);
    const before = bob.since;
    expect(await numbersUntil(bob, 1)).toEqual([1]);
    // The answer is lost: the device asks again, elsewhere.
    const there = bob.with({ url: replicas[0].url });
    there.since = before;
    await toBob(2);
    expect(await numbersUntil(there, 2)).toEqual([1, 2]);
    expect(messagesIn(await there.sync())).toEqual([]);
    bob.since = before;
    expect(messagesIn(await bob.sync())).toEqual([]);
  });

  it('are nowhere any more once their devices have them', async () => {
    await sendTo(alice, 'txn', { [bob.userId]: { '*': { n: 1 } }, [alice.userId]: { DEVICE: { n: 1 } } });
    for (const device of [alice, bob, phone]) {
      expect(await numbersUntil(device, 1)).toEqual([1]);
      await device.sync();
    }
    await eventually(async () => expect(await stored()).toEqual({ kept: 0, waiting: 0, placed: 0 }));
  });

  it('of an earlier time come with an initial sync', async () => {
    await toBob(1);
    await numbersUntil(bob, 1);
    const anew = bob.with({});
    expect(messagesIn(await anew.sync())).toEqual([{ sender: alice.userId, type: 'm.test', content: { n: 1 } }]);
    expect(messagesIn(await anew.sync())).toEqual([]);
  });

  it('to all devices of somebody reach each of them, those that are named with what is theirs', async () => {
    await sendTo(alice, 'txn', { [bob.userId]: { '*': { n: 1 }, PHONE: { n: 2 }, UNKNOWN: { n: 3 } } });
    expect([await numbersUntil(bob, 1), await numbersUntil(phone, 1)]).toEqual([[1], [2]]);
  });

  it('to devices and users that there are not are nothing to anybody', async () => {
    deployment.devices.begin('@nobody:elsewhere.test', 'DEVICE');
    const messages = {
      [bob.userId]: JSON.parse('{"UNKNOWN":{"n":1},"constructor":{"n":1},"__proto__":{"n":1}}'),
      '@nobody:one.test': { DEVICE: { n: 2 }, '*': { n: 3 } },
      '@nobody:elsewhere.test': { DEVICE: { n: 4 } },
    };
    expect((await sendTo(alice, 'txn', messages)).status).toBe(200);
    await toBob(5);
    expect(await numbersUntil(bob, 1)).toEqual([5]);
    expect((await sendTo(alice, 'none', {})).status).toBe(200);
  });

  it('come once, however often their request is repeated, at once and at several replicas', async () => {
    const there = alice.with({ url: replicas[1].url });
    const senders = [alice, there, alice, there, alice, there];
    await Promise.all(senders.map((sender) => sendTo(sender, 'again', { [bob.userId]: { DEVICE: { n: 1 } } })));
    for (const sender of senders) await sendTo(sender, 'again', { [bob.userId]: { DEVICE: { n: 2 } } });
    // Another type or another device has transaction ids of its own.
    await sendTo(alice, 'again', { [bob.userId]: { DEVICE: { n: 3 } } }, 'm.other');
    await sendTo(alice.with({ deviceId: 'PHONE' }), 'again', { [bob.userId]: { DEVICE: { n: 4 } } });
    expect(await numbersUntil(bob, 3)).toEqual([1, 3, 4]);
    expect(messagesIn(await bob.sync())).toEqual([]);
  });

  it('keep their order, whichever replicas they come in at and are asked for at', async () => {
    const senders = [alice, alice.with({ url: replicas[1].url })];
    const sent = (async () => {
      for (const n of range(0, 60)) await sendTo(senders[n % 2]!, `${n}`, { [bob.userId]: { DEVICE: { n } } });
    })();
    const got: number[] = [];
    const readers = replicas.map(({ url }) => bob.with({ url }));
    let { since } = bob;
    for (let round = 0; got.length < 60 && round < 200; round++) {
      const reader = readers[round % 2]!;
      reader.since = since;
      got.push(...messagesIn(await reader.sync({ timeout: 1_000 })).map(({ content }) => content.n!));
      since = reader.since;
    }
    await sent;
    expect(got).toEqual(range(0, 60));
  });

  it('that are more than fit come in several answers, with tokens that serve everywhere', async () => {
    const roomId = await deployment.rooms.create(bob.userId);
    for (const part of range(0, 5)) {
      const contents = range(part * 250, part * 250 + 250).map((n) =>
        sendTo(alice, `${n}`, { [bob.userId]: { DEVICE: { n } } }),
      );
      await Promise.all(contents);
    }
    await eventually(async () => expect(await stored()).toEqual({ kept: 1_250, waiting: 0, placed: 1_250 }));
    await bob.with({}).sync();
    const readers = replicas.map(({ url }) => bob.with({ url }));
    const got: number[] = [];
    const sizes: number[] = [];
    let { since } = bob;
    for (let round = 0; got.length < 1_250 && round < 100; round++) {
      const reader = readers[round % 2]!;
      reader.since = since;
      const answer = await reader.sync({ timeout: 5_000 });
      sizes.push(messagesIn(answer).length);
      got.push(...messagesIn(answer).map(({ content }) => content.n!));
      since = reader.since;
      const history = await reader.call('GET', `rooms/${encodeURIComponent(roomId)}/messages?dir=b&from=${since}`);
      expect(history.status).toBe(200);
      const members = await reader.call('GET', `rooms/${encodeURIComponent(roomId)}/members?at=${since}`);
      expect([members.status, members.body.chunk.length]).toEqual([200, 1]);
    }
    // Within 250 that were sent at once, any order is right.
    expect(got.map((n) => Math.floor(n / 250))).toEqual(range(0, 1_250).map((n) => Math.floor(n / 250)));
    expect(got.toSorted((one, other) => one - other)).toEqual(range(0, 1_250));
    expect(Math.max(...sizes)).toBe(100);
    expect(since).toMatch(/^s\d+$/);
  }, 60_000);
});

describe('messages to devices', () => {
  let deployment: Deployment;
  let replica: Replica;
  let alice: Person;

  beforeAll(async () => {
    deployment = await Deployment.create();
    replica = await deployment.start();
  });
  afterAll(() => deployment.close());
  beforeEach(async () => {
    alice = deployment.person('alice', replica);
    deployment.devices.begin(alice.userId, 'DEVICE');
    await alice.sync();
  });
  const send = (body: unknown, txnId = 'txn') => alice.call('PUT', `sendToDevice/m.test/${txnId}`, body);

  it('that are too large for one answer together come in several, and one that is large comes', async () => {
    const blob = 'x'.repeat(60_000);
    for (let n = 0; n < 20; n++) await send({ messages: { [alice.userId]: { DEVICE: { n, blob } } } }, `${n}`);
    await eventually(async () => {
      const { rows } = await deployment.db.query({ text: 'SELECT FROM sync.device_inbox' });
      expect(rows).toHaveLength(20);
    });
    const answer = await alice.sync({ timeout: 5_000 });
    expect(messagesIn(answer).length).toBeLessThan(20);
    expect([...messagesIn(answer).map(({ content }) => content.n), ...(await numbersUntil(alice, 3))]).toEqual(
      range(0, 20),
    );
  });

  it('are refused as a whole when they are too large, or not what they should be', async () => {
    const large = { [alice.userId]: { DEVICE: { blob: 'x'.repeat(65_536) } } };
    const refusals: [unknown, number, string][] = [
      [{ messages: { ...large } }, 413, 'M_TOO_LARGE'],
      [{}, 400, 'M_BAD_JSON'],
      [{ messages: [] }, 400, 'M_BAD_JSON'],
      [{ messages: { alice: { DEVICE: {} } } }, 400, 'M_BAD_JSON'],
      [{ messages: { [alice.userId]: { DEVICE: 'text' } } }, 400, 'M_BAD_JSON'],
      [{ messages: { [alice.userId]: { DEVICE: [] } } }, 400, 'M_BAD_JSON'],
    ];
    for (const [body, status, errcode] of refusals) {
      const answer = await send(body, 'refused');
      expect([body, answer.status, answer.body.errcode]).toEqual([body, status, errcode]);
    }
    for (let device = 0; device <= 10_000; device++) deployment.devices.begin(`@crowd:one.test`, `D${device}`);
    expect((await send({ messages: { '@crowd:one.test': { '*': { n: 1 } } } }, 'crowd')).status).toBe(413);
    await send({ messages: { [alice.userId]: { DEVICE: { n: 1 } } } }, 'refused');
    expect(await numbersUntil(alice, 1)).toEqual([1]);
  });

  it('that no appender has placed yet come with the next one, once, whatever the last one was about to do', async () => {
    const held = replica.trouble.hold('append-messages');
    await send({ messages: { [alice.userId]: { DEVICE: { n: 1 } } } }, '1');
    // It is placed, and who has placed it never hears of it.
    await held.answered;
    await send({ messages: { [alice.userId]: { DEVICE: { n: 2 } } } }, '2');
    replica.trouble.isCutOff = true;
    held.release();
    await replica.stop();
    replica = await deployment.start();
    const there = alice.with({ url: replica.url });
    there.since = alice.since;
    expect(await numbersUntil(there, 2)).toEqual([1, 2]);
    expect(messagesIn(await there.sync())).toEqual([]);
  }, 60_000);

  it('that has ended go, and another one of the same name inherits none', async () => {
    const left = async () => {
      const text =
        'SELECT (SELECT count(*) FROM sync.device_messages WHERE user_id = $1) AS kept, count(*) AS placed FROM sync.device_inbox WHERE user_id = $1';
      return (await deployment.db.query({ text, values: [alice.userId] })).rows[0];
    };
    const phone = alice.with({ deviceId: 'PHONE' });
    deployment.devices.begin(alice.userId, 'PHONE', 1);
    await send({ messages: { [alice.userId]: { '*': { n: 1 } } } }, '1');
    await eventually(async () => expect(await left()).toEqual({ kept: 2, placed: 2 }));
    deployment.devices.end(alice.userId, 'PHONE');
    deployment.devices.begin(alice.userId, 'PHONE', 2);
    await send({ messages: { [alice.userId]: { PHONE: { n: 2 } } } }, '2');
    await eventually(async () => expect(await left()).toEqual({ kept: 3, placed: 3 }));
    expect(await numbersUntil(phone, 1)).toEqual([2]);
    deployment.devices.end(alice.userId, 'PHONE');
    deployment.tokens.end(alice.userId, 'PHONE');
    await eventually(async () => expect(await left()).toEqual({ kept: 1, placed: 1 }));
    expect(await numbersUntil(alice, 1)).toEqual([1]);
  });

  it('that ended while nobody heard of it go with the next look at all of them', async () => {
    for (const deviceId of ['DEVICE', 'PHONE']) deployment.devices.begin(alice.userId, deviceId);
    await send({ messages: { [alice.userId]: { '*': { n: 1 } } } }, '1');
    const store = new DeviceMessageStore(deployment.db);
    await eventually(async () => expect(await store.inboxes(alice.userId)).toHaveLength(2));
    deployment.devices.end(alice.userId, 'PHONE');
    await new EndedInboxes(new ReadStore(deployment.db), store, deployment.devices).sweep();
    expect((await store.inboxes(alice.userId)).map(({ deviceId }) => deviceId)).toEqual(['DEVICE']);
    expect(await numbersUntil(alice, 1)).toEqual([1]);
  });

  it('of which no broadcast is heard come all the same', async () => {
    replica.trouble.loses = (topic) => topic === 'sync-appended' || topic === 'sync-device-messages';
    for (const n of range(0, 3)) await send({ messages: { [alice.userId]: { DEVICE: { n } } } }, `${n}`);
    expect(await numbersUntil(alice, 3)).toEqual(range(0, 3));
    replica.trouble.loses = () => false;
  });
});
