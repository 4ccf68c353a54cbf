import { type ConfigInput, parseConfig } from '@ganglion/config';
import { createHttpApp, type HttpApp } from '@ganglion/http';
import {
  canonicalJsonString,
  decodeBase64,
  generateSigningKey,
  type JsonObject,
  ready,
  type SigningKey,
  verifyJsonSignature,
} from '@ganglion/protocol';
import { createLogger, Metrics } from '@ganglion/telemetry';
import { jest } from '@jest/globals';
import type { Notary } from '../src/domain/keys/notary.js';
import { PublishedKeys } from '../src/domain/published-keys.js';
import { federationApiModule } from '../src/federation-api.module.js';

const NAMES = ['one.example', 'two.example', '[2001:db8::2]'];
let app: HttpApp;
let keys: ReadonlyMap<string, SigningKey>;

beforeAll(async () => {
  await ready();
  keys = new Map(NAMES.map((name) => [name, generateSigningKey('a_1')]));
  const input: ConfigInput = {
    server_names: [
      { name: 'one.example', federation_address: 'matrix.one.example:443' },
      { name: 'two.example' },
      { name: '[2001:db8::2]' },
    ],
  };
  const config = parseConfig(JSON.stringify(input), '/');
  app = await createHttpApp(
    [federationApiModule(config, { published: new PublishedKeys(keys), notary: {} as Notary })],
    {
      config: config.http,
      tokens: { verify: () => Promise.reject(new Error('no endpoint here takes a token')) },
      rateLimiter: { take: async () => ({ allowed: true, retryAfterMs: 0 }) },
      health: {},
      logger: createLogger({ level: 'silent' }),
      metrics: new Metrics(),
    },
  );
});
afterAll(() => app.drain());

async function get(path: string, host: string) {
  const answer = await app.fastify.inject({ url: path, headers: { host } });
  return { status: answer.statusCode, body: answer.json() as JsonObject, text: answer.body };
}

it.each(NAMES)('%s shows its own key, signed by that key', async (name) => {
  const { status, body } = await get('/_matrix/key/v2/server', name);
  const key = keys.get(name)!;
  const shown = (body.verify_keys as JsonObject)[key.keyId] as { key: string };
  expect(status).toBe(200);
  expect(body.server_name).toBe(name);
  expect(decodeBase64(shown.key)).toEqual(key.publicKey);
  expect(verifyJsonSignature(body, name, key.keyId, key.publicKey)).toBe(true);
  expect(body.valid_until_ts as number).toBeGreaterThan(Date.now());
});

it('the answer is in canonical form, as it was signed', async () => {
  for (const name of NAMES) {
    const { text, body } = await get('/_matrix/key/v2/server', name);
    expect(text).toBe(canonicalJsonString(body));
  }
  const { headers } = await app.fastify.inject({ url: '/_matrix/key/v2/server', headers: { host: NAMES[0]! } });
  expect(headers['content-type']).toBe('application/json');
});

it('is signed anew before others would stop relying on it, and not for everybody who asks', async () => {
  const clock = jest.spyOn(Date, 'now');
  const validUntil = async (now: number) => {
    clock.mockReturnValue(now);
    const { body } = await get('/_matrix/key/v2/server', 'two.example');
    expect(verifyJsonSignature(body, 'two.example', 'ed25519:a_1', keys.get('two.example')!.publicKey)).toBe(true);
    return body.valid_until_ts as number;
  };
  const begin = Date.now() + 7_200_000;
  const first = await validUntil(begin);
  expect(await validUntil(begin + 3_599_000)).toBe(first);
  expect(await validUntil(begin + 3_600_001)).toBe(first + 3_600_001);
  clock.mockRestore();
});

it('a host that is none of our names gets the first one', async () => {
  expect((await get('/_matrix/key/v2/server', 'other.example')).body.server_name).toBe('one.example');
});

it.each(['two.example', '[2001:db8::2]'])('a port in the host %s makes no difference', async (name) => {
  expect((await get('/_matrix/key/v2/server', `${name}:8448`)).body.server_name).toBe(name);
});

it('other servers learn where to go where that is configured, and nothing elsewhere', async () => {
  const path = '/.well-known/matrix/server';
  expect((await get(path, 'one.example')).body).toEqual({ 'm.server': 'matrix.one.example:443' });
  expect(await get(path, 'two.example')).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
});

it('says what it is', async () => {
  const { body } = await get('/_matrix/federation/v1/version', 'one.example');
  expect(body).toEqual({ server: { name: 'Ganglion', version: expect.any(String) } });
});
