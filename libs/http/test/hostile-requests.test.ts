import { connect } from 'node:net';
import { Controller, Get, Put } from '@nestjs/common';
import { z } from 'zod';
import { type HttpApp, JsonBody, Path, RateLimited } from '../src/index.js';
import { FakeRateLimiter, testApp } from './support/test-app.js';

@Controller('_matrix/client/v3')
class ThingsController {
  @Get('things/:id')
  thing(@Path(z.object({ id: z.string() })) { id }: { id: string }) {
    return { id };
  }

  @Put('things')
  @RateLimited('login')
  put(@JsonBody(z.unknown()) thing: unknown) {
    return { thing };
  }
}

const rateLimiter = new FakeRateLimiter();
let app: HttpApp;
let port: number;
beforeAll(async () => {
  app = await testApp([ThingsController], {
    rateLimiter,
    http: { trusted_proxies: ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'] },
  });
  const [url = ''] = await app.listen();
  port = Number(new URL(url).port);
});
afterAll(() => app.drain());

/** Sends bytes as they are and reads the answer until the server hangs up. */
function raw(bytes: string | Buffer): Promise<{ status: number; head: string; body: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('end', () => {
      const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
      resolve({ status: Number(head.split(' ')[1]), head: head.toLowerCase(), body });
    });
  });
}

const asked = (line: string, headers = '') => `${line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${headers}\r\n`;
const THING = '/_matrix/client/v3/things';

it('goes on with a connection after a request to nothing, whose body nobody has read', async () => {
  const body = 'x'.repeat(300_000);
  const first = `POST /nothing HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const { status, body: answers } = await raw(first + asked(`GET ${THING}/next`));
  expect(status).toBe(404);
  expect(answers).toContain('M_UNRECOGNIZED');
  expect(answers).toContain('HTTP/1.1 200');
});

describe('what is no HTTP', () => {
  it.each<[string, string | Buffer, number, string]>([
    ['words', 'hello there\r\n\r\n', 405, 'M_UNRECOGNIZED'],
    ['a method that there is not', asked(`BREW ${THING}`), 405, 'M_UNRECOGNIZED'],
    ['U+0000 in the path', asked(`GET ${THING}/a\0b`), 400, 'M_UNKNOWN'],
    ['U+0000 in a header', asked(`GET ${THING}/a`, 'authorization: Bearer a\0b\r\n'), 400, 'M_UNKNOWN'],
    ['a line break in a header', asked(`GET ${THING}/a`, 'x: a\nb\r\n'), 400, 'M_UNKNOWN'],
    ['a URL without end', asked(`GET ${THING}/${'x'.repeat(100_000)}`), 431, 'M_TOO_LARGE'],
    ['headers without end', asked(`GET ${THING}/a`, `x: ${'y'.repeat(100_000)}\r\n`), 431, 'M_TOO_LARGE'],
    ['two lengths', asked(`PUT ${THING}`, 'content-length: 1\r\ncontent-length: 2\r\n'), 400, 'M_UNKNOWN'],
    ['no length', asked(`PUT ${THING}`, 'content-length: x\r\n'), 400, 'M_UNKNOWN'],
    ['a tunnel', asked('CONNECT a:80'), 405, 'M_UNRECOGNIZED'],
    ['an expectation', asked(`PUT ${THING}`, 'expect: cake\r\n'), 417, 'M_UNKNOWN'],
    ['another protocol', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'M_UNKNOWN'],
    [
      'a length and chunks',
      asked(`PUT ${THING}`, 'transfer-encoding: chunked\r\ncontent-length: 3\r\n'),
      400,
      'M_UNKNOWN',
    ],
    ['chunks of no size', `${asked(`PUT ${THING}`, 'transfer-encoding: chunked\r\n')}zz\r\n`, 400, 'M_UNKNOWN'],
  ])('%s is answered as any error is', async (_, bytes, status, errcode) => {
    const answer = await raw(bytes);
    expect(answer).toMatchObject({ status, head: expect.stringContaining('content-type: application/json') });
    expect(JSON.parse(answer.body)).toEqual({ errcode, error: expect.any(String) });
  });
});

describe('content types', () => {
  it.each(['application/json', 'text/plain', 'multipart/form-data', 'application/x-www-form-urlencoded', 'a/b; c=d'])(
    'of %s may be JSON as well',
    async (type) => {
      const headers = `content-type: ${type}\r\ncontent-length: 2\r\n`;
      expect(await raw(`${asked(`PUT ${THING}`, headers)}{}`)).toMatchObject({ status: 200, body: '{"thing":{}}' });
    },
  );

  it.each([';;;', 'application', '/'])('%s is none', async (type) => {
    const { status, body } = await raw(`${asked(`PUT ${THING}`, `content-type: ${type}\r\ncontent-length: 2\r\n`)}{}`);
    expect([status, JSON.parse(body).errcode]).toEqual([415, 'M_UNKNOWN']);
  });

  it('and encodings of any name do not make JSON of what is none', async () => {
    const headers = 'content-encoding: gzip\r\ncontent-length: 3\r\n';
    const { status, body } = await raw(`${asked(`PUT ${THING}`, headers)}a=b`);
    expect([status, JSON.parse(body).errcode]).toEqual([400, 'M_NOT_JSON']);
  });
});

describe('methods', () => {
  it.each(['PATCH', 'DELETE', 'PROPFIND', 'TRACE', 'M-SEARCH'])('%s is not one of this endpoint', async (method) => {
    const { status, body } = await raw(asked(`${method} ${THING}/a`));
    expect([status, JSON.parse(body)]).toEqual([405, expect.objectContaining({ errcode: 'M_UNRECOGNIZED' })]);
  });

  it.each(['/_matrix/client/v3/things/a', '/nothing', '/%', '/%00'])('OPTIONS %s is a preflight', async (path) => {
    expect(await raw(asked(`OPTIONS ${path}`))).toMatchObject({ status: 204, body: '' });
  });

  it('HEAD is GET without its body', async () => {
    const { status, head, body } = await raw(asked(`HEAD ${THING}/a`));
    expect([status, body]).toEqual([200, '']);
    expect(head).toContain(`content-length: ${JSON.stringify({ id: 'a' }).length}`);
  });
});

describe('URLs', () => {
  it.each(['/a%00', '/%00', '/a?b=%00', '/a?b%00=c', '/a?%00'])('%s holds U+0000', async (end) => {
    const answer = await app.fastify.inject({ method: 'GET', url: `${THING}${end}` });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ errcode: 'M_INVALID_PARAM' });
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': '*', 'x-request-id': expect.any(String) });
  });

  it('%2500 does not', async () => {
    const answer = await app.fastify.inject({ method: 'GET', url: `${THING}/%2500` });
    expect(answer.json()).toEqual({ id: '%00' });
  });
});

describe('bodies', () => {
  const put = async (payload: string) => {
    const answer = await app.fastify.inject({ method: 'PUT', url: THING, payload });
    return answer.json();
  };

  it.each([
    '"\\ud800"',
    '{"\\uDBFF":1}',
    '["\\udc00\\ud800"]',
    '{"a":[{"b":"x\\udfff"}]}',
    '1e309',
    '[-1e400]',
    `{"a":${'9'.repeat(310)}}`,
    `${'9'.repeat(250)}e99`,
  ])('%.30s cannot be kept', async (payload) => {
    expect(await put(payload)).toMatchObject({ errcode: 'M_BAD_JSON' });
  });

  it.each([
    '"\\ud83d\\ude00"',
    '"\\\\ud800"',
    '1e300',
    `"${'9'.repeat(400)}"`,
    '"1e999"',
    '"\\u0000"',
    '{"__proto__":1}',
  ])('%.30s can', async (payload) => {
    expect(await put(payload)).toEqual({ thing: JSON.parse(payload) });
  });
});

describe('a request that was forwarded', () => {
  const countedAs = async (forwarded: string, remoteAddress = '127.0.0.1') => {
    rateLimiter.asked.length = 0;
    const headers = { 'x-forwarded-for': forwarded };
    await app.fastify.inject({ method: 'PUT', url: THING, payload: '1', headers, remoteAddress });
    return rateLimiter.asked.map((asked) => asked.replace('login ', ''));
  };

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7:4711', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8::7', '2001:db8::/64'],
    ['2001:DB8:0:0:ffff:0:0:1', '2001:db8::/64'],
    ['[2001:db8:0:1::7]:4711', '2001:db8:0:1::/64'],
    ['x'.repeat(5_000), '127.0.0.1'],
    ["' OR 1=1", '127.0.0.1'],
    ['', '127.0.0.1'],
  ])('for %.20s counts as one from %s', async (forwarded, address) => {
    expect(await countedAs(forwarded)).toEqual([address]);
  });

  it.each([
    ['what the client made up', '203.0.113.9, 192.0.2.7, 10.1.2.3', '192.0.2.7'],
    ['what only looks like one of ours', '10.9.9.9, 192.0.2.7', '192.0.2.7'],
    ['trusted proxies alone', '10.9.9.9, 10.1.2.3', '10.9.9.9'],
    ['proxies of both kinds', '192.0.2.7, fd00::1, ::ffff:10.1.2.3', '192.0.2.7'],
    ['nonsense before trusted proxies', 'unknown, 10.1.2.3', '10.1.2.3'],
  ])('through several proxies is read from the end: %s', async (_, forwarded, address) => {
    expect(await countedAs(forwarded)).toEqual([address]);
  });

  it('by somebody whom nobody trusts counts as theirs', async () => {
    expect(await countedAs('192.0.2.7', '198.51.100.1')).toEqual(['198.51.100.1']);
    expect(await countedAs('192.0.2.7', '::ffff:198.51.100.1')).toEqual(['198.51.100.1']);
  });
});

it('believes nobody when no proxy is trusted', async () => {
  const limiter = new FakeRateLimiter();
  const alone = await testApp([ThingsController], { rateLimiter: limiter });
  const headers = { 'x-forwarded-for': '192.0.2.7' };
  await alone.fastify.inject({ method: 'PUT', url: THING, payload: '1', headers });
  expect(limiter.asked).toEqual(['login 127.0.0.1']);
  await alone.drain();
});
