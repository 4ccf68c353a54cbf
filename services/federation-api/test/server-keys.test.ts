import { type ConfigInput, parseConfig } from '@ganglion/config';
import { createHttpApp, type HttpApp } from '@ganglion/http';
import {
  decodeBase64,
  generateSigningKey,
  type JsonObject,
  ready,
  type SigningKey,
  verifyJsonSignature,
} from '@ganglion/protocol';
import { createLogger, Metrics } from '@ganglion/telemetry';
import { federationApiModule } from '../src/index.js';

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
  app = await createHttpApp([federationApiModule(config, keys)], {
    config: config.http,
    tokens: { verify: () => Promise.reject(new Error('no endpoint here takes a token')) },
    rateLimiter: { take: async () => ({ allowed: true, retryAfterMs: 0 }) },
    health: {},
    logger: createLogger({ level: 'silent' }),
    metrics: new Metrics(),
  });
});
afterAll(() => app.drain());

async function get(path: string, host: string) {
  const answer = await app.fastify.inject({ url: path, headers: { host } });
  return { status: answer.statusCode, body: answer.json() as JsonObject };
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
