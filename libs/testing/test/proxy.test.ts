import { once } from 'node:events';
import { createServer, request as httpRequest, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningProxy, routeTable, startProxy } from '../src/index.js';

const routes = routeTable({ default: 'client-api', paths: { sync: ['/sync'] } });

/** A replica that answers by a handler that tests can change, and that can be killed. */
class Replica {
  readonly asked: string[] = [];
  handle: RequestListener = (_request, response) => void response.end(this.name);
  readonly #server: Server;
  ready = true;

  constructor(readonly name: string) {
    this.#server = createServer((request, response) => {
      if (request.url === '/health/ready') return void response.writeHead(this.ready ? 200 : 503).end('{}');
      this.asked.push(`${request.method} ${request.url}`);
      this.handle(request, response);
    });
  }

  async start(port = 0): Promise<this> {
    await once(this.#server.listen(port, '127.0.0.1'), 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async die(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

describe('the proxy of a cluster', () => {
  let one: Replica;
  let other: Replica;
  let sync: Replica;
  let proxy: RunningProxy;
  const dead: Replica[] = [];

  beforeEach(async () => {
    dead.length = 0;
    [one, other, sync] = (await Promise.all(['one', 'other', 'sync'].map((name) => new Replica(name).start()))) as [
      Replica,
      Replica,
      Replica,
    ];
    const replicas: Record<string, Replica[]> = { 'client-api': [one, other], sync: [sync] };
    const backends = (service: string) =>
      (replicas[service] ?? []).map(({ url }) => ({ url, health: `${url}/health/ready` }));
    proxy = await startProxy({ port: 0, routes, replicas: backends });
  });

  afterEach(async () => {
    await proxy.close();
    await Promise.all([one, other, sync].filter((replica) => !dead.includes(replica)).map((replica) => replica.die()));
  });

  const kill = async (replica: Replica) => {
    dead.push(replica);
    await replica.die();
  };
  const get = async (path: string) => (await fetch(proxy.url + path)).text();

  it('sends a path to its service, and the replicas of a service requests in turn', async () => {
    expect(await get('/sync?since=1')).toBe('sync');
    const answers = [await get('/a'), await get('/a'), await get('/a'), await get('/a')];
    expect(answers.toSorted()).toEqual(['one', 'one', 'other', 'other']);
    expect(sync.asked).toEqual(['GET /sync?since=1']);
  });

  it('passes on method, body, host and the address of the client, and what comes back', async () => {
    const seen: unknown[] = [];
    one.handle = other.handle = async (request, response) => {
      const { method, headers } = request;
      const body = Buffer.concat(await request.toArray()).toString();
      seen.push([method, headers.host, headers['x-forwarded-for'], headers['x-own'], body]);
      response.writeHead(418, { 'set-cookie': ['a=1', 'b=2'], 'x-more': 'yes' }).end('short and stout');
    };
    const headers = { 'x-own': 'mine', 'x-forwarded-for': '192.0.2.1' };
    const answer = await fetch(proxy.url, { method: 'POST', body: 'a body', headers });
    expect([answer.status, answer.headers.getSetCookie(), answer.headers.get('x-more')]).toEqual([
      418,
      ['a=1', 'b=2'],
      'yes',
    ]);
    expect(await answer.text()).toBe('short and stout');
    expect(seen).toEqual([['POST', new URL(proxy.url).host, '192.0.2.1, 127.0.0.1', 'mine', 'a body']]);
  });

  it('streams: the beginning of an answer is here before its end is known', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    sync.handle = async (_request, response) => {
      response.write('begin');
      await released;
      response.end('end');
    };
    const { body } = await fetch(`${proxy.url}/sync`);
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe('begin');
    release();
    expect((await reader?.read())?.value).toBe('end');
  });

  it('streams a body whose length nobody told', async () => {
    one.handle = other.handle = async (request, response) => {
      response.end(Buffer.concat(await request.toArray()));
    };
    const upload = httpRequest(proxy.url, { method: 'PUT' });
    upload.write('one ');
    upload.end('two');
    const [answer] = await once(upload, 'response');
    expect(Buffer.concat(await answer.toArray()).toString()).toBe('one two');
  });

  it('asks another replica when one is gone, whatever the method', async () => {
    await kill(one);
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      const answers = [0, 1, 2].map(() => fetch(proxy.url, { method }).then((answer) => answer.text()));
      expect(await Promise.all(answers)).toEqual(['other', 'other', 'other']);
    }
  });

  it('repeats what is idempotent when a replica dies over it, and the body is the same', async () => {
    const bodies: string[] = [];
    const dies: RequestListener = async (request) => {
      bodies.push(Buffer.concat(await request.toArray()).toString());
      request.socket.destroy();
    };
    one.handle = dies;
    other.handle = async (request, response) => {
      bodies.push(Buffer.concat(await request.toArray()).toString());
      response.end('done');
    };
    const answers = [0, 1].map(() => fetch(proxy.url, { method: 'PUT', body: 'once' }).then((answer) => answer.text()));
    expect(await Promise.all(answers)).toEqual(['done', 'done']);
    expect(bodies).toEqual(['once', 'once', 'once']);
  });

  it('does not repeat a POST that a replica has seen, and says that it failed', async () => {
    one.handle = other.handle = (request) => void request.socket.destroy();
    const answer = await fetch(proxy.url, { method: 'POST', body: 'x' });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ errcode: 'M_UNKNOWN', error: 'The service is not available right now' });
    expect([...one.asked, ...other.asked]).toEqual(['POST /']);
  });

  it('breaks off an answer that breaks off', async () => {
    sync.handle = (_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    };
    await expect(get('/sync')).rejects.toThrow();
    expect(sync.asked).toHaveLength(1);
  });

  it('ends a long poll when the client hangs up', async () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    sync.handle = (_request, response) => void response.once('close', () => end());
    const impatient = new AbortController();
    const poll = fetch(`${proxy.url}/sync`, { signal: impatient.signal });
    poll.catch(() => {});
    while (sync.asked.length === 0) await sleep(5);
    impatient.abort();
    await ended;
  });

  it('leaves out a replica that drains, until it is ready again', async () => {
    one.ready = false;
    const settled = async (wanted: readonly string[]) => {
      let answers: string[] = [];
      while (answers.toSorted().join() !== wanted.join()) answers = [await get('/a'), await get('/a')];
    };
    await settled(['other', 'other']);
    one.ready = true;
    await settled(['one', 'other']);
  });

  it('says so when no replica is there', async () => {
    await kill(sync);
    expect((await fetch(`${proxy.url}/sync`)).status).toBe(503);
  });
});
