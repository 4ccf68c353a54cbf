import { eventually } from '@ganglion/testing';
import { DeviceMessageStore } from '../src/storage/device-message-store.js';
import { Deployment } from './support/deployment.js';
import { messagesIn, numbersUntil, sendTo } from './support/mailbox.js';

/** MESSAGES=100000 takes some minutes. */
const COUNT = Number(process.env.MESSAGES ?? 20_000);
const A_REQUEST = 10_000;

let deployment: Deployment;
beforeAll(async () => {
  deployment = await Deployment.create();
});
afterAll(() => deployment.close());

it('tens of thousands of messages to a device come in order, page by page, and others get theirs meanwhile', async () => {
  const replicas = [await deployment.start(), await deployment.start()] as const;
  const [alice, bob] = [deployment.person('alice', replicas[0]), deployment.person('bob', replicas[1])];
  deployment.devices.begin(alice.userId, 'DEVICE');
  deployment.devices.begin(bob.userId, 'DEVICE');
  await Promise.all([alice.sync(), bob.sync()]);
  await sendTo(alice, 'first', { [bob.userId]: { DEVICE: { n: 0 } } });
  await eventually(async () => expect(await placed()).toEqual({ kept: 1, placed: 1 }));

  // As many requests of one message each would leave behind.
  const store = new DeviceMessageStore(deployment.db);
  const { rows } = await deployment.db.query<{ created_at_ms: number; json: string }>({
    text: 'SELECT created_at_ms, json FROM sync.device_messages',
  });
  const { created_at_ms: createdAtMs, json } = rows[0]!;
  for (let first = 1; first < COUNT; first += A_REQUEST) {
    const messages = Array.from({ length: Math.min(A_REQUEST, COUNT - first) }, (_, index) => ({
      ...{ userId: bob.userId, deviceId: 'DEVICE', createdAtMs },
      json: json.replace('"n":0', `"n":${first + index}`),
    }));
    const request = { userId: alice.userId, deviceId: 'DEVICE', eventType: 'm.test', txnId: `${first}` };
    await store.handOver([{ ...request, messages, leaving: [] }]);
  }
  await eventually(async () => expect(await waits()).toBe(false), 300_000);
  expect(await placed()).toEqual({ kept: COUNT, placed: COUNT });

  const numbers: number[] = [];
  for (let page = 0; numbers.length < COUNT; page++) {
    const got = messagesIn(await bob.sync()).map(({ content }) => content.n!);
    if (got.length === 0) throw new Error(`nothing came after ${numbers.length} messages`);
    expect(got.length).toBeLessThanOrEqual(100);
    numbers.push(...got);
    if (page !== 10) continue;
    await sendTo(bob, 'hello', { [alice.userId]: { DEVICE: { n: 7 } } });
    expect(await numbersUntil(alice, 1)).toEqual([7]);
  }
  expect(numbers).toEqual(Array.from({ length: COUNT }, (_, n) => n));
  await alice.sync();
  await bob.sync();
  expect(await placed()).toEqual({ kept: 0, placed: 0 });

  /** Messages leave here by the statement that places them. */
  async function waits() {
    const { rows } = await deployment.db.query<{ waits: boolean }>({
      text: 'SELECT EXISTS (SELECT FROM sync.new_device_messages) AS waits',
    });
    return rows[0]?.waits;
  }

  async function placed() {
    const { rows } = await deployment.db.query<{ kept: number; placed: number }>({
      text: `SELECT (SELECT count(*) FROM sync.device_messages) AS kept,
        (SELECT count(*) FROM sync.device_inbox) AS placed`,
    });
    return rows[0];
  }
}, 900_000);
