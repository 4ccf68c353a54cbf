import { MatrixError } from '@ganglion/contracts';
import { RpcUnavailableError } from '@ganglion/rpc';
import { Controller, Get, Post, Put } from '@nestjs/common';
import { z } from 'zod';
import { AnswersJsonText, type HttpApp, Path } from '../src/index.js';
import { LogLines, testApp } from './support/test-app.js';

const SECRET = 'password authentication failed for user "ganglion" at 10.0.0.7';

@Controller('_matrix/client/v3')
class AnswersController {
  @Get('text')
  @AnswersJsonText()
  text() {
    return '{"text":"é"}';
  }

  @Get('object')
  object() {
    return { text: 'é' };
  }

  @Post('object')
  make() {
    return {};
  }

  @Get('fault')
  fault() {
    throw new Error(SECRET);
  }

  @Get('refusal')
  refusal() {
    throw new MatrixError(403, 'M_FORBIDDEN', 'No', { detail: 7, errcode: 'M_OTHER' });
  }

  @Get('away')
  away() {
    throw new RpcUnavailableError('UNAVAILABLE', 'room-server at 10.0.0.7:7777');
  }

  @Get('database-away')
  databaseAway() {
    throw Object.assign(new Error(SECRET), { code: '57P01' });
  }

  @Get('database-slow')
  databaseSlow() {
    throw Object.assign(new Error(SECRET), { code: '57014' });
  }

  @Get('rooms/:roomId/event/:eventId')
  event(@Path(z.object({ roomId: z.string(), eventId: z.string() })) path: object) {
    return path;
  }

  @Put('state/:type/:key')
  state(@Path(z.object({ type: z.string(), key: z.string() })) path: object) {
    return path;
  }
}

@Controller('_matrix/media/v3')
class MediaController {
  @Get('config')
  config() {
    return {};
  }
}

const log = new LogLines();
let app: HttpApp;
beforeAll(async () => {
  app = await testApp([AnswersController, MediaController], { logger: log.logger });
});
afterAll(() => app.drain());

const V3 = '/_matrix/client/v3';
const ask = (url: string, method = 'GET', headers: Record<string, string> = {}) =>
  app.fastify.inject({ method: method as 'GET', url, headers });

describe('every answer', () => {
  const EVERY: [string, string, string][] = [
    ['a success', 'GET', `${V3}/object`],
    ['a refusal', 'GET', `${V3}/refusal`],
    ['a fault', 'GET', `${V3}/fault`],
    ['an unknown path', 'GET', '/nowhere'],
    ['a wrong method', 'DELETE', `${V3}/object`],
    ['a path that cannot be decoded', 'GET', `${V3}/rooms/%zz/event/1`],
    ['a body that is not JSON', 'POST', `${V3}/object`],
  ];

  it.each(EVERY)('lets browsers read it: %s', async (_, method, url) => {
    const { headers } = await app.fastify.inject({
      method: method as 'GET',
      url,
      ...(method === 'POST' && { body: '{' }),
    });
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': expect.stringContaining('PUT'),
      'access-control-allow-headers': expect.stringMatching(/Content-Type.*Authorization/),
    });
  });

  it.each(EVERY)('has a request id of its own: %s', async (_, method, url) => {
    const headers = { 'request-id': 'chosen-by-the-client', 'x-request-id': 'chosen-by-the-client' };
    const ids = await Promise.all([ask(url, method, headers), ask(url, method, headers)]);
    const [one, two] = ids.map((answer) => answer.headers['x-request-id']);
    expect(one).toMatch(/^[0-9a-f-]{36}$/);
    expect(two).not.toBe(one);
  });

  it.each(EVERY)('is exactly application/json: %s', async (_, method, url) => {
    expect((await ask(url, method)).headers['content-type']).toBe('application/json');
  });

  it('that is ready-made text has the type and the length of its bytes', async () => {
    const { headers, body } = await ask(`${V3}/text`);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'content-length': '13' });
    expect(JSON.parse(body)).toEqual({ text: 'é' });
  });
});

describe('an error', () => {
  it('of the specification has its status, errcode, words and further fields', async () => {
    const answer = await ask(`${V3}/refusal`);
    expect(answer.statusCode).toBe(403);
    expect(answer.json()).toEqual({ errcode: 'M_FORBIDDEN', error: 'No', detail: 7 });
  });

  it('of ours shows nothing but the request id, by which the log tells the rest', async () => {
    const answer = await ask(`${V3}/fault`);
    const id = String(answer.headers['x-request-id']);
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toEqual({ errcode: 'M_UNKNOWN', error: `Internal server error (request ${id})` });
    const line = log.lines.map((text) => JSON.parse(text)).find(({ request_id }) => request_id === id);
    expect(line).toMatchObject({ level: 'error', route: `${V3}/fault`, err: { message: expect.any(String) } });
  });

  it.each(['away', 'database-away', 'database-slow'])(
    'that trying again may cure is 503 without details: %s',
    async (path) => {
      const answer = await ask(`${V3}/${path}`);
      expect(answer.statusCode).toBe(503);
      expect(answer.json()).toMatchObject({ errcode: 'M_UNKNOWN' });
      expect(answer.body).not.toContain('10.0.0.7');
    },
  );
});

describe('what is not there', () => {
  it('is 404 M_UNRECOGNIZED', async () => {
    for (const url of ['/', '/_matrix/client/v3/nothing', '/_matrix/client/v99/object', '/%2e%2e/etc/passwd', '//']) {
      const answer = await ask(url);
      expect([url, answer.statusCode, answer.json().errcode]).toEqual([url, 404, 'M_UNRECOGNIZED']);
    }
  });

  it('is 405 M_UNRECOGNIZED and says what is, when the path knows another method', async () => {
    const answer = await ask(`${V3}/object`, 'DELETE');
    expect(answer.statusCode).toBe(405);
    expect(answer.json().errcode).toBe('M_UNRECOGNIZED');
    expect(String(answer.headers.allow).split(', ').sort()).toEqual(['GET', 'HEAD', 'POST']);
    const withParameters = await ask(`${V3}/rooms/%21a%2Fb/event/$c`, 'PATCH');
    expect([withParameters.statusCode, withParameters.headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  it('is so whatever comes with it', async () => {
    for (const payload of ['{"a', 'not JSON', Buffer.from([0xff]), 'x'.repeat(2_000_000)]) {
      const unknown = await app.fastify.inject({ method: 'POST', url: '/_matrix/client/v3/nothing', payload });
      expect([unknown.statusCode, unknown.json().errcode]).toEqual([404, 'M_UNRECOGNIZED']);
      expect(unknown.headers).toMatchObject({ 'access-control-allow-origin': '*', 'x-request-id': expect.any(String) });
      const other = await app.fastify.inject({ method: 'PUT', url: `${V3}/object`, payload });
      expect([other.statusCode, other.json().errcode]).toEqual([405, 'M_UNRECOGNIZED']);
    }
  });

  it('is a malformed request when a part of the path is empty, which the answer names', async () => {
    for (const [path, name] of [
      ['rooms//event/$c', 'roomId'],
      ['rooms/!a/event//', 'eventId'],
    ]) {
      for (const method of ['GET', 'PUT'] as const) {
        const answer = await ask(`${V3}/${path}`, method);
        expect([path, answer.statusCode, answer.json()]).toEqual([
          ...[path, 400],
          { errcode: 'M_INVALID_PARAM', error: `${name}: must not be empty` },
        ]);
      }
    }
  });

  it('does not depend on the query', async () => {
    expect((await ask(`${V3}/object?x=1`, 'DELETE')).statusCode).toBe(405);
    expect((await ask('/nowhere?x=%zz')).statusCode).toBe(404);
  });
});

describe('paths', () => {
  it.each([
    ['!room:one.test', '$event', '!room:one.test', '$event'],
    ['%21a%2Fb%3Aone.test', '%24a%2Fb%2F', '!a/b:one.test', '$a/b/'],
    ['%21caf%C3%A9', '%24%F0%9F%A6%8A', '!café', '$🦊'],
    ['%21a%252Fb', '%24c+d', '!a%2Fb', '$c+d'],
    ['%21a%0Ab', '%24%3F%23%26', '!a\nb', '$?#&'],
  ])('give their parameters decoded once: %s', async (roomId, eventId, decodedRoom, decodedEvent) => {
    const answer = await ask(`${V3}/rooms/${roomId}/event/${eventId}`);
    expect(answer.json()).toEqual({ roomId: decodedRoom, eventId: decodedEvent });
  });

  it('that cannot be decoded are M_INVALID_PARAM', async () => {
    for (const id of ['%zz', '%c3%28', '%ff', '%']) {
      const answer = await ask(`${V3}/rooms/${id}/event/1`);
      expect([id, answer.statusCode, answer.json().errcode]).toEqual([id, 400, 'M_INVALID_PARAM']);
    }
  });

  it('may hold long parameters, but not endless ones', async () => {
    expect((await ask(`${V3}/rooms/${'a'.repeat(2_000)}/event/1`)).statusCode).toBe(200);
    const answer = await ask(`${V3}/rooms/${'a'.repeat(5_000)}/event/1`);
    expect([answer.statusCode, answer.json().errcode]).toEqual([414, 'M_INVALID_PARAM']);
  });

  it('may end in a slash', async () => {
    expect((await ask(`${V3}/object/`)).statusCode).toBe(200);
  });

  it('of r0 are those of v3', async () => {
    expect((await ask('/_matrix/client/r0/object')).json()).toEqual({ text: 'é' });
    expect((await ask('/_matrix/media/r0/config')).statusCode).toBe(200);
    expect((await ask('/_matrix/client/r0/rooms/%21a%2Fr0%2Fb/event/r0')).json()).toMatchObject({ roomId: '!a/r0/b' });
    expect((await ask('/_matrix/federation/r0/object')).statusCode).toBe(404);
    expect((await ask('/x/_matrix/client/r0/object')).statusCode).toBe(404);
  });
});

describe('HEAD', () => {
  it('is answered like GET, without the body', async () => {
    const answer = await ask(`${V3}/text`, 'HEAD');
    expect([answer.statusCode, answer.body, answer.headers['content-length']]).toEqual([200, '', '13']);
  });
});

describe('OPTIONS', () => {
  it.each([`${V3}/object`, '/nowhere', `${V3}/rooms/%zz/event/1`])('allows a browser to go on: %s', async (url) => {
    const answer = await ask(url, 'OPTIONS', { origin: 'https://app.example', 'access-control-request-method': 'PUT' });
    expect([answer.statusCode, answer.body]).toEqual([204, '']);
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': '*', 'access-control-max-age': '86400' });
  });

  it('exposes what clients have to read', async () => {
    const exposed = String((await ask(`${V3}/object`)).headers['access-control-expose-headers']);
    expect(exposed.split(', ')).toEqual(expect.arrayContaining(['ETag', 'Retry-After']));
  });
});
