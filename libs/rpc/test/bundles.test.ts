import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { withinScope } from '../src/index.js';
import { EchoDefinition } from './echo.js';
import { Fixture, targetOf } from './support.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** On a busy machine much takes long. */
const PATIENT = { deadlineMs: 50_000 };

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.end());

it('calls of one turn travel together, and a slow one keeps no other waiting', async () => {
  const server = await fixture.serve(async ({ text, ms = 0 }) => {
    await sleep(ms);
    return { text };
  });
  const client = fixture.client([targetOf(server)]);
  await client.read({ text: 'first' });
  const slow = client.read({ text: 'slow', ms: 2_000 });
  let isSlowDone = false;
  void slow.then(() => {
    isSlowDone = true;
  });
  const quick = await Promise.all(Array.from({ length: 500 }, (_, n) => client.read({ text: `${n}` })));
  expect(quick.map(({ text }) => text)).toEqual(quick.map((_, n) => `${n}`));
  expect(isSlowDone).toBe(false);
  expect(await slow).toEqual({ text: 'slow' });
});

it('a server of the release before, which knows no bundles, is asked one by one', async () => {
  const server = new Server();
  const methods = Object.entries(EchoDefinition.methods).map(([key, { name, requestType, responseType }]) => [
    key,
    {
      ...{ path: `/${EchoDefinition.fullName}/${name}`, requestStream: false, responseStream: false },
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => requestType.decode(bytes),
      responseSerialize: (answer: never) => Buffer.from(responseType.encode(answer).finish()),
      responseDeserialize: (bytes: Buffer) => bytes,
    },
  ]);
  const echo = (call: { request: unknown }, answer: (error: null, response: unknown) => void) =>
    answer(null, call.request);
  const keys = Object.keys(EchoDefinition.methods);
  server.addService(Object.fromEntries(methods), Object.fromEntries(keys.map((key) => [key, echo])) as never);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const client = fixture.client([`127.0.0.1:${port}`]);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => client.post({ text: `${n}` })));
  expect(answers.map(({ text }) => text)).toEqual(answers.map((_, n) => `${n}`));
  expect(await client.read({ text: 'again' })).toMatchObject({ text: 'again' });
  await client.close();
  server.forceShutdown();
});

it('a call that is given up before it was sent is not sent', async () => {
  let served = 0;
  const server = await fixture.serve(async ({ text }) => {
    served += 1;
    return { text };
  });
  const client = fixture.client([targetOf(server)]);
  await client.read({ text: 'first' });
  const gone = new AbortController();
  const call = withinScope({ signal: gone.signal }, () => client.read({ text: 'second' }));
  gone.abort();
  await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
  await client.read({ text: 'third' });
  expect(served).toBe(2);
});

it('answers that are large together come in several messages, and one that is too large fails alone', async () => {
  const server = await fixture.serve(async ({ text }) => ({ text: 'x'.repeat(Number(text)) }));
  const client = fixture.client([targetOf(server)], PATIENT);
  const sizes = [...Array.from({ length: 12 }, () => 3_000_000), 34_000_000, 10];
  const ask = async () => {
    const answers = await Promise.allSettled(sizes.map((size) => client.post({ text: `${size}` })));
    return answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.text.length : answer.reason.code));
  };
  let lengths = await ask();
  // Who is busy for a second with so much on a busy machine is taken for dead by the other, and asked again.
  for (let tries = 0; tries < 3 && lengths.includes('UNAVAILABLE'); tries++) lengths = await ask();
  expect(lengths).toEqual(sizes.map((size) => (size > 33_554_432 ? 'RESOURCE_EXHAUSTED' : size)));
}, 60_000);

it('requests that are large together come in several messages, on a connection that has just begun, too', async () => {
  const server = await fixture.serve(async ({ text }) => ({ text: `${text.length}` }));
  const client = fixture.client([targetOf(server)], PATIENT);
  const answers = await Promise.all(Array.from({ length: 200 }, () => client.post({ text: 'x'.repeat(250_000) })));
  expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(['250000']));
}, 60_000);

it('tens of thousands of calls leave nothing behind', async () => {
  const server = await fixture.serve(async ({ text }) => ({ text }));
  const client = fixture.client([targetOf(server)]);
  const text = 'x'.repeat(2_000);
  const load = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      await Promise.all(Array.from({ length: 100 }, () => client.read({ text })));
    }
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = await load(30);
  const after = await load(300);
  // What is left behind of 30,000 calls would be 60 MB and more.
  expect(after - before).toBeLessThan(40_000_000);
}, 60_000);

it('a server that drains answers what it has begun, and ends its streams', async () => {
  const server = await fixture.serve(async ({ text, ms = 0 }) => {
    await sleep(ms);
    return { text };
  });
  const client = fixture.client([targetOf(server)]);
  await client.read({ text: 'first' });
  const running = client.post({ text: 'running', ms: 300 });
  await sleep(50);
  const started = performance.now();
  await server.drain(10_000);
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(await running).toEqual({ text: 'running' });
});
