import { type Config, type ConfigInput, parseConfig } from '@ganglion/config';
import type { ServerKeysWanted } from '@ganglion/contracts/federation';
import { Database, migrate } from '@ganglion/database';
import { createHttpApp, type HttpApp } from '@ganglion/http';
import {
  encodeBase64,
  generateSigningKey,
  type JsonObject,
  parseServerKeys,
  ready,
  type SigningKey,
  signJson,
  verifyJsonSignature,
} from '@ganglion/protocol';
import { createLogger, Metrics } from '@ganglion/telemetry';
import { Authority, type CertificateFiles, type TestDatabase, testDatabase } from '@ganglion/testing';
import { createFederationApi, type FederationApi } from '../src/federation-api.js';
import { federationApiModule } from '../src/federation-api.module.js';
import { PostgresKeyStore } from '../src/storage/key-store.js';
import { federationApiSchema } from '../src/storage/migrations.js';
import { RemoteServer } from './support/remote-server.js';

const KEYS = /key\/v2\/server$/;
const OURS = 'ours.example';
let database: TestDatabase;
let db: Database;
let authority: Authority;
let files: CertificateFiles;
let key: SigningKey;
let remote: RemoteServer;
const running: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  await ready();
  key = generateSigningKey('o_1');
  authority = await Authority.create('a network of its own');
  files = await authority.issue('127.0.0.1');
  database = await testDatabase();
  db = await Database.connect({ url: database.url, max: 8, applicationName: 'test', slowStatementMs: 10_000 });
  await migrate(db, federationApiSchema);
});
beforeEach(async () => {
  remote = await started(RemoteServer.start(files));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
});
afterAll(async () => {
  await db.close();
  await database.drop();
  authority.end();
});

async function started<T extends { stop(): Promise<void> }>(starting: Promise<T> | T): Promise<T> {
  const each = await starting;
  running.push(each);
  return each;
}

function config(federation: ConfigInput['federation'] = {}, names: object[] = [{ name: OURS }]): Config {
  const usual = { allowed_networks: ['127.0.0.0/8'], trusted_ca_file: files.ca };
  return parseConfig(JSON.stringify({ server_names: names, federation: { ...usual, ...federation } }), '/');
}

/** A replica of ours; they share the database. */
async function replica(settings: Config = config()): Promise<FederationApi> {
  const signingKeys = new Map(settings.server_names.map(({ name }) => [name, key]));
  return started(createFederationApi({ config: settings, db, signingKeys }));
}

const wanted = (server: RemoteServer, more: Partial<ServerKeysWanted> = {}): ServerKeysWanted => ({
  ...{ serverName: server.name, keyIds: [server.key.keyId], minimumValidUntilTs: Date.now() },
  ...more,
});

/** The keys that a replica knows of a server, by their ids. */
async function keysOf(api: FederationApi, of: ServerKeysWanted) {
  const { servers } = await api.serverKeyRing.getServerKeys({ wanted: [of] });
  return Object.fromEntries(servers.flatMap(({ keys }) => keys).map((each) => [each.keyId, each]));
}

it('keys are fetched from their server once, for all who wait and for all replicas', async () => {
  const [one, other] = [await replica(), await replica()];
  const answers = await Promise.all(Array.from({ length: 20 }, () => keysOf(one, wanted(remote))));
  for (const answer of answers) {
    expect(answer[remote.key.keyId]?.publicKey).toEqual(Buffer.from(remote.key.publicKey));
  }
  expect(Object.keys(await keysOf(other, wanted(remote)))).toEqual([remote.key.keyId]);
  expect(remote.asked(KEYS)).toBe(1);
});

it('a key that will not be valid for as long as is needed is fetched again, but not all the time', async () => {
  const api = await replica();
  const later = { minimumValidUntilTs: Date.now() + 7_200_000 };
  await keysOf(api, wanted(remote));
  await keysOf(api, wanted(remote, later));
  await keysOf(api, wanted(remote, { keyIds: ['ed25519:unknown'] }));
  expect(remote.asked(KEYS)).toBe(1);
  await db.query({ text: `UPDATE federation_api.key_servers SET ask_again_at = now()` });
  await keysOf(api, wanted(remote, later));
  expect(remote.asked(KEYS)).toBe(2);
});

it('a server has its key valid for less time than before, and a notary does not', async () => {
  const store = new PostgresKeyStore(db);
  const answer = (validUntilTs: number, notary?: string) => ({
    ...{ serverName: remote.name, answer: {}, notary },
    keys: new Map([[remote.key.keyId, { publicKey: Buffer.from(remote.key.publicKey), validUntilTs }]]),
  });
  const validUntil = async () =>
    (await store.load([remote.name])).get(remote.name)?.keys.get(remote.key.keyId)?.validUntilTs;
  await store.save([answer(9_000)]);
  await store.save([answer(4_000, 'notary.example')]);
  expect(await validUntil()).toBe(9_000);
  await store.save([answer(5_000)]);
  expect(await validUntil()).toBe(5_000);
});

it('a key that was changed stays known as an old one, whatever is said of it later', async () => {
  const api = await replica();
  const old = remote.key;
  await keysOf(api, wanted(remote));
  remote.key = generateSigningKey('r_2');
  const entry = { key: encodeBase64(old.publicKey), expired_ts: 1_000 };
  const { signatures: _, ...unsigned } = remote.publishedKeys({ old_verify_keys: { [old.keyId]: entry } });
  remote.on('GET', KEYS, () => signJson(unsigned, remote.name, remote.key));
  await db.query({ text: `UPDATE federation_api.key_servers SET ask_again_at = now()` });
  const known = await keysOf(api, wanted(remote));
  expect(known[old.keyId]).toMatchObject({ expiredTs: 1_000 });
  expect(known[old.keyId]?.validUntilTs).toBeUndefined();
  expect(known[remote.key.keyId]?.validUntilTs).toBeGreaterThan(Date.now());
});

it.each<[string, (server: RemoteServer) => JsonObject]>([
  ['unsigned', (server) => ({ ...server.publishedKeys(), signatures: {} })],
  ['of another server', (server) => ({ ...server.publishedKeys(), server_name: 'victim.example' })],
  ['changed', (server) => ({ ...server.publishedKeys(), valid_until_ts: Date.now() + 5 })],
  ['malformed', () => ({ server_name: 'x', verify_keys: [] })],
])('an answer that is %s is not believed, and the server is left alone for a while', async (_, answer) => {
  const api = await replica();
  remote.on('GET', KEYS, () => answer(remote));
  for (let times = 0; times < 3; times++) expect(await keysOf(api, wanted(remote))).toEqual({});
  expect(remote.asked(KEYS)).toBe(1);
});

it('a server that is gone costs nothing after the first time', async () => {
  const api = await replica();
  await remote.stop();
  running.splice(running.indexOf(remote), 1);
  expect(await keysOf(api, wanted(remote))).toEqual({});
  const { rows } = await db.query<{ failures: number }>({
    text: 'SELECT failures FROM federation_api.key_servers WHERE server_name = $1',
    values: [remote.name],
  });
  expect(rows).toEqual([{ failures: 1 }]);
  expect(await keysOf(await replica(), wanted(remote))).toEqual({});
  const again = await db.query({ text: 'SELECT 1 FROM federation_api.key_servers WHERE failures > 1' });
  expect(again.rows).toEqual([]);
});

it('servers that the operator does not want, and names that are none, are not asked', async () => {
  const api = await replica(config({ denied_domains: ['127.0.0.1'] }));
  expect(await keysOf(api, wanted(remote))).toEqual({});
  expect(await keysOf(api, wanted(remote, { serverName: 'no name/' }))).toEqual({});
  expect(remote.requests).toEqual([]);
});

it('our own keys, and those that we had before, are known without asking', async () => {
  const old = generateSigningKey('before');
  const entry = { key_id: old.keyId, key: encodeBase64(old.publicKey), expired_ts: 5_000 };
  const api = await replica(config({}, [{ name: OURS, old_verify_keys: [entry] }]));
  const known = await keysOf(api, { serverName: OURS, keyIds: [], minimumValidUntilTs: Date.now() });
  expect(known[key.keyId]?.publicKey).toEqual(Buffer.from(key.publicKey));
  expect(known[old.keyId]).toMatchObject({ expiredTs: 5_000, publicKey: Buffer.from(old.publicKey) });
  const published = parseServerKeys(JSON.parse(api.published.of(OURS)!), OURS, Date.now());
  expect([...published.keys()].sort()).toEqual([old.keyId, key.keyId].sort());
});

describe('a notary that we trust', () => {
  let notary: RemoteServer;
  /** What it says of the remote server. */
  let says: () => JsonObject;

  beforeEach(async () => {
    notary = await started(RemoteServer.start(files));
    says = () => signJson(remote.publishedKeys(), notary.name, notary.key);
    notary.on('POST', /key\/v2\/query$/, () => ({ server_keys: [says()] }));
    remote.on('GET', KEYS, () => ({ status: 502, body: {} }));
  });
  const trusting = () => replica(config({ trusted_key_servers: [notary.name] }));

  it('tells of servers that do not answer', async () => {
    expect(Object.keys(await keysOf(await trusting(), wanted(remote)))).toEqual([remote.key.keyId]);
    expect(notary.requests.at(-1)?.body).toMatchObject({ server_keys: { [remote.name]: {} } });
  });

  it.each<[string, () => JsonObject]>([
    ['has not signed', () => remote.publishedKeys()],
    ['has signed with another key', () => signJson(remote.publishedKeys(), notary.name, generateSigningKey('r_1'))],
    [
      'has made up',
      () => {
        const { signatures: _, ...made } = remote.publishedKeys();
        return signJson(made, notary.name, notary.key);
      },
    ],
    ['was not asked for', () => signJson(notary.publishedKeys(), notary.name, notary.key)],
  ])('is not believed what it %s', async (_, answer) => {
    says = answer;
    expect(await keysOf(await trusting(), wanted(remote))).toEqual({});
  });

  it('cannot put a key in the place of one that its server has told us', async () => {
    remote.on('GET', KEYS, () => remote.publishedKeys());
    const api = await trusting();
    const real = Buffer.from(remote.key.publicKey);
    await keysOf(api, wanted(remote));
    remote.key = generateSigningKey('r_1');
    remote.on('GET', KEYS, () => ({ status: 502, body: {} }));
    await db.query({
      text: `UPDATE federation_api.key_servers SET ask_again_at = now()`,
    });
    const known = await keysOf(api, wanted(remote, { minimumValidUntilTs: Date.now() + 7_200_000 }));
    expect(known[remote.key.keyId]?.publicKey).toEqual(real);
  });
});

describe('as a notary', () => {
  let app: HttpApp;
  beforeEach(async () => {
    const settings = config();
    app = await createHttpApp([federationApiModule(settings, await replica(settings))], {
      config: settings.http,
      tokens: { verify: () => Promise.reject(new Error('no endpoint here takes a token')) },
      rateLimiter: { take: async () => ({ allowed: true, retryAfterMs: 0 }) },
      health: {},
      logger: createLogger({ level: 'silent' }),
      metrics: new Metrics(),
    });
  });
  afterEach(() => app.drain());

  async function queried(body: JsonObject) {
    const answer = await app.fastify.inject({ method: 'POST', url: '/_matrix/key/v2/query', payload: body });
    return { status: answer.statusCode, body: answer.json() as { server_keys: JsonObject[]; errcode?: string } };
  }

  it('we say what a server said, with its signature and ours', async () => {
    const { body } = await queried({ server_keys: { [remote.name]: {}, [OURS]: {}, '127.0.0.1:1': {} } });
    expect(body.server_keys.map((each) => each.server_name).sort()).toEqual([remote.name, OURS].sort());
    for (const each of body.server_keys) {
      expect(verifyJsonSignature(each, OURS, key.keyId, key.publicKey)).toBe(true);
    }
    const theirs = body.server_keys.find((each) => each.server_name === remote.name);
    expect(parseServerKeys(theirs, remote.name, Date.now()).size).toBe(1);
  });

  it('we answer for one server, too', async () => {
    const url = `/_matrix/key/v2/query/${encodeURIComponent(remote.name)}?minimum_valid_until_ts=5`;
    const { body } = await app.fastify.inject({ url });
    expect(JSON.parse(body)).toMatchObject({ server_keys: [{ server_name: remote.name }] });
  });

  it.each([
    ['a name that is none', { server_keys: { 'no name/': {} } }],
    ['a list', { server_keys: [] }],
    ['nothing', {}],
    ['a time that is none', { server_keys: { 'a.example': { 'ed25519:1': { minimum_valid_until_ts: 'soon' } } } }],
    ['too many', { server_keys: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`a${i}.example`, {}])) }],
  ])('we refuse to be asked for %s', async (_, body) => {
    expect(await queried(body as JsonObject)).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect(remote.requests).toEqual([]);
  });
});
