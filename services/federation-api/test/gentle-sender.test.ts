import { GentleSender } from '../src/domain/sending/gentle-sender.js';

/** A sender whose clock goes on only where it waits, and what it has sent, with when. */
function gentle(options: { readonly perSecond: number; readonly burst: number }, failing: readonly string[] = []) {
  let clock = 1_000_000;
  let isBusy = false;
  const begun = clock;
  const sent: [server: string, afterMs: number][] = [];
  const sender = new GentleSender(
    {
      async send({ server }) {
        sent.push([server, Math.round(clock - begun)]);
        if (failing.includes(server)) throw new Error('it does not answer');
      },
    },
    {
      ...options,
      perBusySecond: options.perSecond / 5,
      isBusy: () => isBusy,
      now: () => clock,
      pause: async (ms, signal) => {
        signal.throwIfAborted();
        clock += ms;
      },
    },
  );
  const send = (server: string, signal = new AbortController().signal) =>
    sender.send({ server, origin: 'one.test' }, 'txn', { pdus: [], edus: [] }, signal);
  const wait = (ms: number) => {
    clock += ms;
  };
  const beBusy = (busy: boolean) => {
    isBusy = busy;
  };
  return { send, sent, wait, beBusy };
}

describe('sending to many servers', () => {
  it('connects to a few at once, and to the others one after the other', async () => {
    const { send, sent } = gentle({ perSecond: 10, burst: 2 });
    for (const server of ['a', 'b', 'c', 'd']) await send(server);
    expect(sent).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 100],
      ['d', 200],
    ]);
  });

  it('takes more time for that while there is enough to do besides', async () => {
    const { send, sent, beBusy } = gentle({ perSecond: 10, burst: 1 });
    for (const server of ['a', 'b']) await send(server);
    beBusy(true);
    for (const server of ['c', 'd']) await send(server);
    beBusy(false);
    await send('e');
    expect(sent.map(([, ms]) => ms)).toEqual([0, 100, 600, 1_100, 1_200]);
  });

  it('does not wait where something was sent to a moment ago', async () => {
    const { send, sent, wait } = gentle({ perSecond: 10, burst: 1 });
    for (const server of ['a', 'b', 'a', 'b', 'a']) await send(server);
    expect(sent.map(([, ms]) => ms)).toEqual([0, 100, 100, 100, 100]);
    wait(60_000);
    for (const server of ['a', 'b']) await send(server);
    expect(sent.slice(-2).map(([, ms]) => ms)).toEqual([60_100, 60_200]);
  });

  it('takes none for connected that does not answer', async () => {
    const { send, sent } = gentle({ perSecond: 10, burst: 1 }, ['dead']);
    for (let index = 0; index < 3; index++) await expect(send('dead')).rejects.toThrow('does not answer');
    expect(sent.map(([, ms]) => ms)).toEqual([0, 100, 200]);
  });

  it('sends nothing any more once it is to end', async () => {
    const { send, sent } = gentle({ perSecond: 10, burst: 1 });
    await send('a');
    await expect(send('b', AbortSignal.abort(new Error('the end')))).rejects.toThrow('the end');
    expect(sent).toHaveLength(1);
  });
});
