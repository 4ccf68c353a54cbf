import { request } from 'node:http';
import { Controller, Post, Put } from '@nestjs/common';
import { z } from 'zod';
import { BodyText, type HttpApp, JsonBody, Query, StoredJsonBody } from '../src/index.js';
import { testApp } from './support/test-app.js';

const body = z.object({
  name: z.string(),
  tags: z.array(z.object({ key: z.string() })).default([]),
  colour: z
    .string()
    .refine((text) => text !== 'beige', { params: { errcode: 'M_TASTELESS' } })
    .optional(),
});
const query = z.object({ limit: z.string().regex(/^\d+$/, 'must be a whole number'), from: z.string().optional() });

@Controller('_matrix/client/v3')
class ThingsController {
  @Put('things')
  putThing(@JsonBody(body) thing: z.infer<typeof body>) {
    return thing;
  }

  @Put('anything')
  putAnything(@JsonBody(z.unknown()) anything: unknown) {
    return { anything: anything === undefined ? 'nothing' : anything };
  }

  @Put('stored')
  putStored(@StoredJsonBody(z.unknown()) stored: unknown, @BodyText() text: string) {
    return { stored, text };
  }

  @Post('search')
  search(@Query(query) { limit }: z.infer<typeof query>) {
    return { limit };
  }
}

let app: HttpApp;
beforeAll(async () => {
  app = await testApp([ThingsController], { http: { max_body_bytes: 10_000 } });
});
afterAll(() => app.drain());

async function put(path: string, payload: string | Buffer | undefined, headers: Record<string, string> = {}) {
  const answer = await app.fastify.inject({
    method: 'PUT',
    url: `/_matrix/client/v3/${path}`,
    ...(payload !== undefined && { payload }),
    headers,
  });
  return { status: answer.statusCode, body: JSON.parse(answer.body) };
}

describe('a body that is not JSON', () => {
  it.each<[string, string | Buffer]>([
    ['cut off', '{"name":'],
    ['words', 'name=alice'],
    ['two values', '{}{}'],
    ['white space only', ' \n'],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d])],
    ['UTF-8 that ends within a character', Buffer.from('"é"').subarray(0, 2)],
    ['UTF-16', Buffer.from('{"name":"a"}', 'utf16le')],
    ['a number that JSON does not know', '{"name":NaN}'],
  ])('%s: M_NOT_JSON', async (_, payload) => {
    const answer = await put('things', payload, { 'content-type': 'application/json' });
    expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_NOT_JSON', error: expect.any(String) } });
  });

  it('no body at all: M_NOT_JSON where one is required', async () => {
    expect(await put('things', undefined)).toMatchObject({ status: 400, body: { errcode: 'M_NOT_JSON' } });
    expect(await put('anything', undefined)).toMatchObject({ status: 200, body: { anything: 'nothing' } });
  });
});

describe('a body that is JSON', () => {
  it('is read whatever its content type says', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-8', '']) {
      const answer = await put('things', '{"name":"é"}', type === '' ? {} : { 'content-type': type });
      expect(answer).toEqual({ status: 200, body: { name: 'é', tags: [] } });
    }
  });

  it.each<[string, unknown, string]>([
    ['lacks a key', {}, 'name is required'],
    ['has a key of the wrong type', { name: 5 }, 'name: '],
    ['has null for a required key', { name: null }, 'name: '],
    ['is wrong deep inside', { name: 'a', tags: [{ key: 'a' }, {}] }, 'tags.1.key is required'],
    ['is a list', [], ''],
    ['is null', null, ''],
    ['is a word', 'name', ''],
  ])('and %s: M_BAD_JSON that says where', async (_, payload, words) => {
    const answer = await put('things', JSON.stringify(payload), { 'content-type': 'application/json' });
    expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect(answer.body.error).toContain(words);
  });

  it('may be refused with an errcode of its own', async () => {
    const answer = await put('things', '{"name":"sofa","colour":"beige"}');
    expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_TASTELESS' } });
  });

  it('does not reach into prototypes', async () => {
    const answer = await put('anything', '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}');
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body.anything)).toEqual(['__proto__', 'constructor']);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('is refused when it is nested deeper than anything could be signed', async () => {
    const answer = await put('anything', `${'['.repeat(5_000)}${']'.repeat(5_000)}`);
    expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect(await put('anything', `"${'['.repeat(5_000)}\\"${'{'.repeat(3_000)}"`)).toMatchObject({ status: 200 });
  });
});

describe('a body that is kept', () => {
  it.each([
    ['9007199254740993', '9007199254740992'],
    ['-9007199254740993', '-9007199254740992'],
    ['123456789012345678901234567890', '1.2345678901234568e+29'],
    ['1.0', '1'],
    ['-0', '0'],
    ['1e3', '1000'],
    ['1E-2', '0.01'],
    ['0.10', '0.1'],
    ['0.1000000000000000055511151231257827', '0.1'],
  ])('is refused when it holds %s, which would become %s', async (written, kept) => {
    for (const json of [written, `{"a":{"b":[0,${written}]}}`, `[\n${written} ]`, `{"a":1.0,"a":${written}}`]) {
      const { status, body } = await put('stored', json);
      expect([json, status, body]).toEqual([
        ...[json, 400],
        { errcode: 'M_BAD_JSON', error: `The number ${written} would be kept as ${kept}` },
      ]);
      expect((await put('anything', json)).status).toBe(200);
    }
  });

  it.each([
    '9007199254740991',
    '-1',
    '0',
    '0.5',
    '1.7976931348623157e+308',
    '"1.0 and 1e3, 9007199254740993"',
    '{"1.0":2}',
  ])('is taken, and known to the byte, when it holds %s', async (json) => {
    const text = ` {"a": ${json}}\n`;
    expect(await put('stored', text)).toEqual({ status: 200, body: { stored: JSON.parse(text), text } });
  });

  it('may be absent where the endpoint says so', async () => {
    expect(await put('stored', undefined)).toEqual({ status: 200, body: { text: '' } });
  });
});

describe('a body that is too large', () => {
  it('is M_TOO_LARGE when it says so itself', async () => {
    const answer = await put('anything', JSON.stringify('x'.repeat(10_000)));
    expect(answer).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
    expect(await put('anything', JSON.stringify('x'.repeat(9_990)))).toMatchObject({ status: 200 });
  });

  it('is M_TOO_LARGE when it comes in pieces that do not say how many', async () => {
    const [url = ''] = await app.listen();
    const answer = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      const outgoing = request(`${url}/_matrix/client/v3/anything`, { method: 'PUT' }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode, text }));
      });
      outgoing.on('error', reject);
      outgoing.write('"');
      for (let piece = 0; piece < 11; piece++) outgoing.write('x'.repeat(1_000));
    });
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.text).errcode).toBe('M_TOO_LARGE');
  });
});

describe('query parameters', () => {
  const search = (parameters: string) =>
    app.fastify.inject({ method: 'POST', url: `/_matrix/client/v3/search${parameters}` });

  it.each([
    ['', 'M_MISSING_PARAM', 'limit is required'],
    ['?limit=many', 'M_INVALID_PARAM', 'limit: must be a whole number'],
    ['?limit=1&limit=2', 'M_INVALID_PARAM', 'limit'],
    ['?limit=1&from=a&from=b', 'M_INVALID_PARAM', 'from'],
  ])('%j: %s', async (parameters, errcode, words) => {
    const { statusCode, body } = await search(parameters);
    expect(statusCode).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ errcode, error: expect.stringContaining(words) });
  });

  it('that nobody asked for are ignored', async () => {
    expect((await search('?limit=3&unknown=1&__proto__=2')).json()).toEqual({ limit: '3' });
  });
});
