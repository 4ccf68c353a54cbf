import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { RpcUnavailableError } from '../src/index.js';
import { Fixture, roomAt, type ServerProcess, targetOf } from './support.js';

let fixture: Fixture;

beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.end(), 20_000);

const routingKey = (_: string, request: Record<string, unknown>) => request.roomId as string | undefined;

async function pair() {
  const [a, b] = await Promise.all([fixture.spawn('a'), fixture.spawn('b')]);
  const client = fixture.client([a.target, b.target], { routingKey });
  const whereIs = async (roomId: string) => (await client.read({ text: 'where', roomId })).text;
  const room = await roomAt('a', whereIs);
  return { a, b, client, whereIs, room };
}

/** Waits until the process has begun with a call. */
async function begun({ process }: ServerProcess, text: string): Promise<void> {
  await process.line(`called ${text}`);
}

/** Something that listens, and does with each connection what it is told. */
async function listener(onSocket: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { target: `127.0.0.1:${(server.address() as AddressInfo).port}`, sockets, close };
}

describe('when a server is killed in the middle of a call', () => {
  it('an idempotent call is answered by the next replica', async () => {
    const { a, b, client, room } = await pair();
    const calls = [
      client.read({ text: 'long', roomId: room, ms: 500 }),
      client.put({ text: 'long', roomId: room, ms: 500 }),
    ];
    await begun(a, 'long');
    await begun(a, 'long');
    await a.process.kill('SIGKILL');
    expect(await Promise.all(calls)).toEqual([{ text: 'b' }, { text: 'b' }]);
    await begun(b, 'long');
    expect(await fixture.metrics.render()).toContain(
      'ganglion_rpc_client_retries_total{service="ganglion.test.v1.Echo",method="Put"} 1',
    );
  }, 30_000);

  it('any other call fails as unavailable and is not done twice', async () => {
    const { a, b, client, room } = await pair();
    const call = client.post({ text: 'once', roomId: room, ms: 500 });
    const failed = expect(call).rejects.toBeInstanceOf(RpcUnavailableError);
    await begun(a, 'once');
    await a.process.kill('SIGKILL');
    await failed;
    expect(b.process.lines).not.toContain('called once');
  }, 30_000);
});

describe('when a server is gone', () => {
  it('its rooms move to the other replica at once, for every kind of call', async () => {
    const { a, client, room } = await pair();
    await a.process.kill('SIGKILL');
    // The end of the process may be known before that of its connection, where a call may still have begun.
    await client.read({ text: 'x', roomId: room });
    const answers = await Promise.all([
      client.post({ text: 'x', roomId: room }),
      client.put({ text: 'x', roomId: room }),
      client.read({ text: 'x', roomId: room }),
    ]);
    expect(answers).toEqual([{ text: 'b' }, { text: 'b' }, { text: 'b' }]);
  }, 30_000);

  it('its rooms go home when it is back', async () => {
    const { a, b, whereIs, room } = await pair();
    const other = await roomAt('b', whereIs);
    await a.process.kill('SIGKILL');
    expect(await whereIs(room)).toBe('b');
    await fixture.spawn('a', Number(a.target.split(':')[1]));
    const start = performance.now();
    while ((await whereIs(room)) !== 'a') {
      if (performance.now() - start > 10_000) throw new Error('never went home');
      await sleep(20);
    }
    expect(await whereIs(other)).toBe('b');
    expect(b.process.process.exitCode).toBeNull();
  }, 30_000);

  it('and no other is left, calls fail as unavailable, and succeed again when one is back', async () => {
    const server = await fixture.spawn('only');
    const client = fixture.client([server.target]);
    await client.post({ text: 'x' });
    await server.process.kill('SIGKILL');
    await expect(client.post({ text: 'x' })).rejects.toBeInstanceOf(RpcUnavailableError);
    const later = client.post({ text: 'during the restart' }).catch(() => undefined);
    await fixture.spawn('only', Number(server.target.split(':')[1]));
    await later;
    const start = performance.now();
    while (!(await client.post({ text: 'x' }).catch(() => undefined))) {
      if (performance.now() - start > 10_000) throw new Error('never came back');
    }
  }, 30_000);

  it('and never was there, a call says so soon', async () => {
    const start = performance.now();
    const call = fixture.client(['127.0.0.1:1'], { retries: 2 }).read({ text: 'x' });
    await expect(call).rejects.toThrow('ECONNREFUSED');
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

describe('when a server stands still', () => {
  it('that is noticed and an idempotent call goes to the next replica', async () => {
    const { a, client, room } = await pair();
    a.process.process.kill('SIGSTOP');
    const start = performance.now();
    expect(await client.read({ text: 'x', roomId: room })).toEqual({ text: 'b' });
    expect(performance.now() - start).toBeLessThan(8_000);
    const again = performance.now();
    expect(await client.read({ text: 'x', roomId: room })).toEqual({ text: 'b' });
    expect(performance.now() - again).toBeLessThan(1_000);
    a.process.process.kill('SIGCONT');
  }, 30_000);
});

describe('when something accepts connections and never answers', () => {
  it('calls for it go to the next replica, at once when that is known', async () => {
    const mute = await listener(() => {});
    const server = await fixture.serve(async () => ({ text: 'heard' }));
    const client = fixture.client([mute.target, targetOf(server)]);
    for (const kind of ['post', 'read', 'put'] as const)
      expect(await client[kind]({ text: 'x' })).toEqual({ text: 'heard' });
    const start = performance.now();
    for (let n = 0; n < 10; n++) await client.post({ text: 'x' });
    expect(performance.now() - start).toBeLessThan(900);
    mute.close();
  }, 15_000);
});

describe('draining', () => {
  it('finishes what runs, sends everything new elsewhere and ends', async () => {
    const { a, client, room } = await pair();
    const running = client.post({ text: 'running', roomId: room, ms: 600 });
    await begun(a, 'running');
    a.process.process.kill('SIGTERM');
    await a.process.line('draining');
    const during = await Promise.all(Array.from({ length: 20 }, () => client.post({ text: 'new', roomId: room })));
    expect(new Set(during.map(({ text }) => text))).toEqual(new Set(['b']));
    expect(await running).toEqual({ text: 'a' });
    while (a.process.process.exitCode === null) await sleep(20);
    expect(a.process.process.exitCode).toBe(0);
  }, 30_000);

  it('under load loses no call, whatever its kind', async () => {
    const { a, client } = await pair();
    let stop = false;
    const failures: unknown[] = [];
    let calls = 0;
    const work = async (n: number) => {
      while (!stop) {
        await client.post({ text: 'load', roomId: `!${n}`, ms: n % 5 }).catch((error: unknown) => failures.push(error));
        calls++;
      }
    };
    const working = Array.from({ length: 16 }, (_, n) => work(n));
    await sleep(300);
    a.process.process.kill('SIGTERM');
    while (a.process.process.exitCode === null) await sleep(20);
    await sleep(200);
    stop = true;
    await Promise.all(working);
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(100);
  }, 30_000);

  it('ends calls that take too long', async () => {
    const server = await fixture.serve(async ({ text }) => {
      await sleep(5_000, undefined, { ref: false });
      return { text };
    });
    const client = fixture.client([targetOf(server)], { retries: 0 });
    const call = client.post({ text: 'endless' }).catch((error: unknown) => error);
    await sleep(100);
    const start = performance.now();
    await server.close(300);
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(await call).toBeInstanceOf(RpcUnavailableError);
  });

  it('is seen by its health', async () => {
    const server = await fixture.serve(async ({ text }) => ({ text }));
    await expect(server.health()).resolves.toBeUndefined();
    await server.drain();
    await expect(server.health()).rejects.toThrow('the RPC server is draining');
  });
});

describe('clients', () => {
  it('of one process share a connection, and one that closes leaves it to the others', async () => {
    const server = await fixture.serve(async ({ text }) => ({ text }));
    const counted = await listener((socket) => {
      const upstream = connect(server.port, '127.0.0.1');
      socket.pipe(upstream).pipe(socket);
      socket.on('close', () => upstream.destroy());
    });
    const first = fixture.client([counted.target]);
    const second = fixture.client([counted.target]);
    await Promise.all([first.read({ text: 'x' }), second.read({ text: 'x' })]);
    await first.close();
    await expect(first.read({ text: 'x' })).rejects.toThrow('this client is closed');
    await expect(second.read({ text: 'x' })).resolves.toEqual({ text: 'x' });
    expect(counted.sockets).toHaveLength(1);
    await second.close();
    await fixture.client([counted.target]).read({ text: 'x' });
    expect(counted.sockets).toHaveLength(2);
    counted.close();
  });

  it('that close wait for their calls', async () => {
    const server = await fixture.serve(async ({ text }) => {
      await sleep(200);
      return { text };
    });
    const client = fixture.client([targetOf(server)]);
    const call = client.post({ text: 'last' });
    await client.close();
    await expect(call).resolves.toEqual({ text: 'last' });
  });
});
