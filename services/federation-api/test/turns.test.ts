import { Turns } from '../src/domain/incoming/turns.js';

/** Work that goes on until it is told to end. */
function work(log: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const run = async () => {
    log.push(name);
    await promise;
  };
  return { run, end: resolve };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

it('a busy server keeps nobody else waiting for more than what it has running', async () => {
  const turns = new Turns({ perServer: 1, waitingPerServer: 100, total: 2 });
  const log: string[] = [];
  const busy = Array.from({ length: 10 }, (_, index) => work(log, `busy ${index}`));
  const others = ['a', 'b'].map((name) => work(log, name));
  const all = [
    ...busy.map(({ run }) => turns.take('busy.test', run)),
    ...others.map(({ run }, index) => turns.take(`${index}.test`, run)),
  ];
  await settled();
  expect(log).toEqual(['busy 0', 'a']);
  busy[0]!.end();
  await settled();
  expect(log).toEqual(['busy 0', 'a', 'b']);
  for (const { end } of [...busy, ...others]) end();
  await Promise.all(all);
  expect(log.slice(3)).toEqual(busy.slice(1).map((_, index) => `busy ${index + 1}`));
});

it('a server that has too much waiting is told to come again later', async () => {
  const turns = new Turns({ perServer: 1, waitingPerServer: 1, total: 8 });
  const log: string[] = [];
  const [first, second] = [work(log, 'first'), work(log, 'second')];
  const running = [turns.take('a.test', first.run), turns.take('a.test', second.run)];
  await expect(turns.take('a.test', async () => {})).rejects.toMatchObject({
    status: 429,
    errcode: 'M_LIMIT_EXCEEDED',
  });
  await expect(turns.take('b.test', async () => 'done')).resolves.toBe('done');
  first.end();
  second.end();
  await Promise.all(running);
  await expect(turns.take('a.test', async () => 'again')).resolves.toBe('again');
});

it('what fails makes place for the next', async () => {
  const turns = new Turns({ perServer: 1, waitingPerServer: 5, total: 1 });
  const failed = turns.take('a.test', () => Promise.reject(new Error('no')));
  await expect(failed).rejects.toThrow('no');
  await expect(turns.take('b.test', async () => 'yes')).resolves.toBe('yes');
});
