import { setImmediate } from 'node:timers/promises';
import { DeviceMessaging } from '../src/domain/devices/device-messaging.js';
import type { DeviceMessages } from '../src/domain/ports/device-message-model.js';

/** A desk, what was handed over at it, and of how many users it has asked each time. */
function desk() {
  const sent: DeviceMessages[] = [];
  const asked: number[] = [];
  const messaging = new DeviceMessaging({
    model: { handOver: async (requests) => void sent.push(...requests) },
    devices: {
      listDevicesOf: async ({ userIds }) => {
        asked.push(userIds.length);
        await setImmediate();
        return { users: userIds.map((userId) => ({ userId, devices: [{ deviceId: 'DEVICE', createdAtMs: 1 }] })) };
      },
    },
    isLocal: () => true,
    federates: false,
    announce: () => {},
    announceLeaving: () => {},
  });
  const send = (txnId: string, users: readonly string[]) =>
    messaging.sendToDevice({
      sender: { userId: '@alice:one.test', deviceId: 'DEVICE' },
      eventType: 'm.test',
      txnId,
      messages: Object.fromEntries(users.map((user) => [`@${user}:one.test`, { '*': { n: 1 } }])),
    });
  const counts = () => Object.fromEntries(sent.map(({ txnId, messages }) => [txnId, messages.length]));
  return { send, asked, counts };
}

const users = (count: number, name = 'user') => Array.from({ length: count }, (_, n) => `${name}-${n}`);

it('messages to many users ask about them in parts, whose answers come together', async () => {
  const { send, asked, counts } = desk();
  await send('many', users(2_500));
  expect(asked).toEqual([1_000, 1_000, 500]);
  expect(counts()).toEqual({ many: 2_500 });
});

it('messages of many requests ask about no more users at once either', async () => {
  const { send, asked, counts } = desk();
  await Promise.all([send('a', users(900, 'a')), send('b', users(900, 'b')), send('same', users(900, 'a'))]);
  expect(asked).toEqual([1_000, 800]);
  expect(counts()).toEqual({ a: 900, b: 900, same: 900 });
});

it('messages to a few users do not wait for those to many', async () => {
  const { send, asked, counts } = desk();
  await Promise.all([send('many', users(1_001)), send('few', ['bob'])]);
  expect(asked.toSorted((one, other) => other - one)).toEqual([1_000, 1, 1]);
  expect(counts()).toEqual({ many: 1_001, few: 1 });
});
