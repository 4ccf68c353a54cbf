import { DirectToDeviceEdus } from '../src/domain/incoming/edus/direct-to-device.js';

const SENDER = '@bob:far.test';
const large = { text: 'x'.repeat(65_536) };

interface Taken {
  readonly sent: unknown[];
  readonly leftOut: Record<string, number>;
}

async function take(...messages: unknown[]): Promise<Taken> {
  const sent: unknown[] = [];
  const leftOut: Record<string, number> = {};
  const sync = {
    async sendToDevices({ messagesJson }: { messagesJson: string }) {
      sent.push(JSON.parse(messagesJson));
      return {};
    },
  };
  const edus = new DirectToDeviceEdus(sync, (reason, count) => {
    leftOut[reason] = (leftOut[reason] ?? 0) + count;
  });
  const contents = messages.map((of, n) => ({ sender: SENDER, type: 'm.test', message_id: `m${n}`, messages: of }));
  await edus.take({ origin: 'far.test' } as Parameters<typeof edus.take>[0], contents);
  return { sent, leftOut };
}

describe('of messages to devices from another server', () => {
  it('what is malformed is left out by itself and counted', async () => {
    const { sent, leftOut } = await take(
      { 'no user': { A: {} }, '@a:ours.test': { A: { n: 1 }, B: 'text' }, '@b:ours.test': ['A'] },
      5,
      { '@a:ours.test': { A: { n: 2 } } },
    );
    expect(sent).toEqual([{ '@a:ours.test': { A: { n: 1 } } }, { '@a:ours.test': { A: { n: 2 } } }]);
    expect(leftOut).toEqual({ malformed: 4 });
  });

  it('one that is larger than an event may be is left out by itself and counted', async () => {
    const { sent, leftOut } = await take({ '@a:ours.test': { A: large, B: { n: 1 } } });
    expect(sent).toEqual([{ '@a:ours.test': { B: { n: 1 } } }]);
    expect(leftOut).toEqual({ too_large: 1 });
  });

  it('one to a device whose id is a word of JavaScript is one like any other', async () => {
    const { sent } = await take(JSON.parse('{"__proto__":{"A":{}},"@a:ours.test":{"__proto__":{"n":1}}}'));
    expect(JSON.stringify(sent)).toBe('[{"@a:ours.test":{"__proto__":{"n":1}}}]');
  });
});
