import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Outgoing, OutgoingError, type OutgoingRequest } from '../src/index.js';

let handle: RequestListener = (_, response) => response.end('hello');
let seen: string[] = [];
let server: Server;
let port: number;
const allowed = new Outgoing({ allowedNetworks: ['127.0.0.0/8', '::1'] });
const strict = new Outgoing();

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request.url ?? '');
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
beforeEach(() => {
  seen = [];
});
afterAll(async () => {
  await Promise.all([allowed.close(), strict.close()]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const at = (path: string, more: Partial<OutgoingRequest> = {}): OutgoingRequest => ({
  url: `http://127.0.0.1:${port}${path}`,
  timeoutMs: 10_000,
  maxBytes: 1_000,
  protocols: ['http:'],
  ...more,
});

async function faultOf(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(OutgoingError);
  return (error as OutgoingError).fault;
}

it('brings the answer with its body', async () => {
  handle = (_, response) => response.writeHead(201, { 'x-one': 'two' }).end('hello');
  const { status, headers, body, url } = await allowed.request(at('/a'));
  expect({ status, one: headers['x-one'], text: body.toString(), path: url.pathname }).toEqual({
    ...{ status: 201, one: 'two', text: 'hello', path: '/a' },
  });
});

it.each([
  ['a loopback address', () => `http://127.0.0.1:${port}/`],
  ['one in decimal', () => `http://2130706433:${port}/`],
  ['IPv6', () => `http://[::1]:${port}/`],
  ['IPv4 as IPv6', () => `http://[::ffff:127.0.0.1]:${port}/`],
  ['a name of ours', () => `http://localhost:${port}/`],
])('%s is not connected to unless it is allowed', async (_, url) => {
  expect(await faultOf(strict.request(at('', { url: url() })))).toBe('address');
  expect(seen).toEqual([]);
});

it('a name that changes its address between two look-ups is connected to at the one that was checked', async () => {
  const answers = ['8.8.8.8', '127.0.0.1'];
  const rebound = new Outgoing({
    lookup: (_, __, done) => done(null, [{ address: answers.shift() ?? '127.0.0.1', family: 4 }]),
    connectTimeoutMs: 300,
  });
  const asked = { url: `http://rebound.example:${port}/` };
  expect(['timeout', 'network']).toContain(await faultOf(rebound.request(at('', asked))));
  expect(await faultOf(rebound.request(at('', asked)))).toBe('address');
  expect(seen).toEqual([]);
  await rebound.close();
});

it('a redirect into a private network is not followed', async () => {
  const target = `http://127.0.0.2:${port}/secret`;
  handle = (_, response) => response.writeHead(302, { location: target }).end();
  const some = new Outgoing({ allowedNetworks: ['127.0.0.1'] });
  expect(await faultOf(some.request(at('/a', { maxRedirects: 3 })))).toBe('address');
  expect(seen).toEqual(['/a']);
  await some.close();
});

it.each(['file:///etc/passwd', 'gopher://127.0.0.1/', 'https://me:secret@127.0.0.1/', 'http://[', '//'])(
  'a redirect to %s is not followed',
  async (location) => {
    handle = (_, response) => response.writeHead(302, { location }).end();
    expect(await faultOf(allowed.request(at('/a', { maxRedirects: 3 })))).toBe('url');
  },
);

it('redirects are followed as often as asked, and no more', async () => {
  handle = ({ url }, response) => {
    const hop = Number(url?.slice(1));
    if (hop < 3) response.writeHead(307, { location: `/${hop + 1}` }).end();
    else response.end('there');
  };
  expect((await allowed.request(at('/1', { maxRedirects: 2 }))).body.toString()).toBe('there');
  expect(await faultOf(allowed.request(at('/0', { maxRedirects: 2 })))).toBe('redirect');
  expect((await allowed.request(at('/1'))).status).toBe(307);
});

it('a body that is too long fails, whether it says so or not', async () => {
  handle = (_, response) => response.writeHead(200, { 'content-length': 5_000 }).end('x'.repeat(5_000));
  expect(await faultOf(allowed.request(at('/')))).toBe('too-large');
  handle = (_, response) => {
    response.write('x'.repeat(900));
    response.end('x'.repeat(900));
  };
  expect(await faultOf(allowed.request(at('/')))).toBe('too-large');
  handle = (_, response) => response.end('x'.repeat(1_000));
  expect((await allowed.request(at('/'))).body.length).toBe(1_000);
});

it('an answer that does not begin, or does not end, fails in time', async () => {
  handle = () => {};
  expect(await faultOf(allowed.request(at('/', { timeoutMs: 200 })))).toBe('timeout');
  handle = (_, response) => {
    const drip = setInterval(() => response.write('x'), 20);
    response.on('close', () => clearInterval(drip));
  };
  expect(await faultOf(allowed.request(at('/', { timeoutMs: 300 })))).toBe('timeout');
});

it('an answer that breaks off fails', async () => {
  handle = (_, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('half', () => response.destroy());
  };
  expect(await faultOf(allowed.request(at('/')))).toBe('network');
});

it('where nobody listens is told as such', async () => {
  expect(await faultOf(allowed.request(at('', { url: 'http://127.0.0.1:1/' })))).toBe('network');
});

it.each(['a\nb', '\u202e', 'a\0b'])(
  'a header that cannot hold %j is refused, and does not hold up what comes after it',
  async (value) => {
    handle = (_, response) => response.end('hello');
    expect(await faultOf(allowed.request(at('/', { headers: { authorization: value } })))).toBe('header');
    expect((await allowed.request(at('/'))).body.toString()).toBe('hello');
  },
);

it('what waits for a connection that others hold fails in time, too', async () => {
  handle = () => {};
  const narrow = new Outgoing({ allowedNetworks: ['127.0.0.0/8'], connections: 1 });
  const first = narrow.request(at('/', { timeoutMs: 3_000 })).catch(() => 'late');
  const second = faultOf(narrow.request(at('/', { timeoutMs: 100 })));
  expect(await Promise.race([second, first])).toBe('timeout');
  await first;
  await narrow.close();
});
