import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, loadConfig } from '../src/index.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganglion-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(text: string, name = 'ganglion.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** The lines of the error, without the folder they are in. */
function problems(load: () => unknown): string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll(`${folder}/`, '').split('\n');
    throw error;
  }
  throw new Error('expected a ConfigError');
}

const NAME = 'server_names: [{name: example.org}]\n';

describe('what a file says', () => {
  it('needs only a server name; the rest has defaults', () => {
    const config = loadConfig({ path: file(NAME) });
    expect(config.server_names[0].name).toBe('example.org');
    expect(config.rooms.default_version).toBe('12');
    expect(config.registration.enabled).toBe(false);
    expect(config.http.listeners).toEqual([{ host: '127.0.0.1', port: 8008 }]);
    expect(config.database).toMatchObject({ embedded: {}, pool_size: 20 });
  });

  it('may host several server names, each with a key of its own', () => {
    const config = loadConfig({ path: file('server_names: [{name: a.org}, {name: "b.org:8448"}, {name: "[::1]:1"}]') });
    expect(config.server_names.map((entry) => entry.signing_key_path)).toEqual([
      join(folder, 'data/keys/a.org.signing.key'),
      join(folder, 'data/keys/b.org_8448.signing.key'),
      join(folder, 'data/keys/___1__1.signing.key'),
    ]);
  });

  it('sees paths from the folder of the file', () => {
    const config = loadConfig({ path: file(`${NAME}data_dir: ../x\nbus: {credentials_file: a.creds}`) });
    expect(config.data_dir).toBe(join(folder, '../x'));
    expect(config.bus.credentials_file).toBe(join(folder, 'a.creds'));
  });

  it('takes a key without a value as absent', () => {
    const config = loadConfig({ path: file(`${NAME}database:\nhttp:\n  listeners:\n`) });
    expect(config.database.pool_size).toBe(20);
  });

  it('may use anchors and aliases', () => {
    const text = `server_names: [&a {name: example.org}]\nrate_limits: {message: &r {per_second: 5, burst: 7}, joins: *r}`;
    expect(loadConfig({ path: file(text) }).rate_limits.joins).toEqual({ per_second: 5, burst: 7 });
  });
});

describe('what is refused, and how it is said', () => {
  it.each<[string, string, string]>([
    [
      'a wrong type',
      `${NAME}database:\n  pool_size: many`,
      'ganglion.yaml:3:3: database.pool_size: found "many", expected a number',
    ],
    [
      'a fraction',
      `${NAME}database: {pool_size: 1.5}`,
      'ganglion.yaml:2:12: database.pool_size: found 1.5, expected a whole number',
    ],
    [
      'a number that is too small',
      `${NAME}bus: {replicas: 0}`,
      'ganglion.yaml:2:7: bus.replicas: found 0, expected at least 1',
    ],
    [
      'a number that is too big',
      `${NAME}bus: {replicas: 9}`,
      'ganglion.yaml:2:7: bus.replicas: found 9, expected at most 5',
    ],
    [
      'a word that is nearly right',
      `${NAME}bus: {kind: jetsteam}`,
      'ganglion.yaml:2:7: bus.kind: found "jetsteam", expected one of embedded, jetstream. Did you mean "jetstream"?',
    ],
    ['an unknown key', `${NAME}databse: {}`, 'ganglion.yaml:2:1: databse: unknown key. Did you mean "database"?'],
    [
      'an unknown key that is like none',
      `${NAME}registration:\n  colour: red`,
      'ganglion.yaml:3:3: registration.colour: unknown key. Known here: enabled, allow_guests, requires_token, requires_email, terms, shared_secret, shared_secret_file',
    ],
    [
      'where a service is that nobody calls',
      `${NAME}rpc: {endpoints: {push: ['dns:push:9090']}}`,
      'ganglion.yaml:2:19: rpc.endpoints.push: no service asks push for anything, so none has to know where it is: leave it out',
    ],
    [
      'a missing key',
      'server_names:\n  - client_base_url: https://x.org',
      'ganglion.yaml:2:5: server_names[0].name: missing, expected text',
    ],
    [
      'no server name',
      'server_names: []',
      'ganglion.yaml:1:1: server_names: found a list, expected at least 1 in the list',
    ],
    ['nothing at all', '', 'ganglion.yaml:1:1: server_names: missing, expected a list'],
    [
      'a server name with a space',
      'server_names: [{name: a b}]',
      'ganglion.yaml:1:17: server_names[0].name: found "a b", expected a server name, such as example.org or example.org:8448',
    ],
    [
      'a name twice',
      'server_names: [{name: a}, {name: a}]',
      'ganglion.yaml:1:28: server_names[1].name: a is in the list twice',
    ],
    [
      'everybody as a trusted proxy',
      `${NAME}http: {trusted_proxies: true}`,
      'ganglion.yaml:2:8: http.trusted_proxies: found true, expected a list',
    ],
    [
      'a trusted proxy without an address',
      `${NAME}http: {trusted_proxies: [proxy.example.org]}`,
      'ganglion.yaml:2:26: http.trusted_proxies[0]: found "proxy.example.org", expected an IP address or range, such as 10.0.0.0/8',
    ],
    [
      'a certificate without its key',
      `${NAME}bus: {tls: {cert_file: x}}`,
      'ganglion.yaml:2:7: bus.tls: give both cert_file and key_file, or neither',
    ],
    [
      'two databases',
      `${NAME}database: {url: "postgresql://h/d", embedded: {}}`,
      'ganglion.yaml:2:37: database.embedded: give either url (or url_file) or embedded, not both',
    ],
    [
      'replicas of no database',
      `${NAME}database: {read_urls: ["postgresql://h/d"]}`,
      'ganglion.yaml:2:12: database.read_urls: needs url (or url_file): the embedded PostgreSQL has no replicas',
    ],
    [
      'a replica that is none, whose password is kept',
      `${NAME}database: {url: "postgresql://h/d", read_urls: ["mysql://u:hunter2@h/d"]}`,
      'ganglion.yaml:2:49: database.read_urls[0]: found something else, expected a PostgreSQL URL, such as postgresql://ganglion@127.0.0.1:5432/ganglion',
    ],
    [
      'e-mails whose links lead nowhere',
      `${NAME}email: {from: a@b.c, smtp: {host: x}}`,
      'ganglion.yaml:2:1: email: links in e-mails would lead nowhere: set http.public_base_url, or client_base_url of example.org',
    ],
    [
      'registration by e-mails that nobody sends',
      `${NAME}registration: {requires_email: true}`,
      'ganglion.yaml:2:16: registration.requires_email: no e-mail can be sent without the section email',
    ],
    [
      'limits that contradict each other',
      `${NAME}sync: {default_timeline_limit: 500}`,
      'ganglion.yaml:2:8: sync.default_timeline_limit: expected at most max_timeline_limit (100)',
    ],
    ['a list', '- 1', 'ganglion.yaml:1:1: expected a mapping of keys to values at the top level'],
    ['a key twice', `${NAME}data_dir: a\ndata_dir: b`, 'ganglion.yaml:3:1: not YAML: Map keys must be unique'],
  ])('%s', (_, text, message) => {
    expect(problems(() => loadConfig({ path: file(text) }))).toEqual([message]);
  });

  it('reports every problem at once, in the order of the file', () => {
    const text = 'bus: {kind: x}\nserver_names: [{name: ""}]\nfoo: 1\n';
    expect(problems(() => loadConfig({ path: file(text) })).map((line) => line.split(': ')[1])).toEqual([
      'bus.kind',
      'server_names[0].name',
      'foo',
    ]);
  });

  it('says where broken YAML breaks', () => {
    const [problem] = problems(() => loadConfig({ path: file(`${NAME}http: [1, 2\nbus: {}`) }));
    expect(problem).toMatch(/^ganglion\.yaml:3:\d+: not YAML: /);
  });

  it('refuses aliases that would blow up', () => {
    const lines = ['a0: &a0 [1,1,1,1,1,1,1,1,1,1]'];
    for (let i = 1; i < 9; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    expect(problems(() => loadConfig({ path: file(lines.join('\n')) }))[0]).toMatch(/not YAML: Excessive alias count/);
  });

  it('names a file that cannot be read', () => {
    expect(problems(() => loadConfig({ path: join(folder, 'none.yaml') }))[0]).toMatch(
      /^none\.yaml: cannot be read: ENOENT/,
    );
  });

  it('never repeats a secret', () => {
    const text = `${NAME}database: {url: "mysql://u:hunter2@h/d"}\nregistration: {shared_secret: hunter2}`;
    const message = problems(() => loadConfig({ path: file(text) })).join('\n');
    expect(message).toContain('database.url');
    expect(message).toContain('registration.shared_secret');
    expect(message).not.toContain('hunter2');
  });
});

describe('secrets from files', () => {
  it('are read, without the end of their line', () => {
    file('postgresql://u:p@h/d\n', 'url');
    mkdirSync(join(folder, 'secrets'));
    file('correct horse\n', 'secrets/shared');
    const text = `${NAME}database: {url_file: url}\nregistration: {shared_secret_file: secrets/shared}`;
    const config = loadConfig({ path: file(text) });
    expect(config.database.url).toBe('postgresql://u:p@h/d');
    expect(config.database.embedded).toBeUndefined();
    expect(config.registration.shared_secret).toBe('correct horse');
  });

  it('are one a line where there may be several', () => {
    file('postgresql://u:p@h1/d\n\n  postgresql://u:p@h2/d\r\n', 'replicas');
    const text = `${NAME}database: {url: "postgresql://h/d", read_urls_file: replicas}`;
    expect(loadConfig({ path: file(text) }).database.read_urls).toEqual([
      'postgresql://u:p@h1/d',
      'postgresql://u:p@h2/d',
    ]);
    file('\n', 'replicas');
    expect(problems(() => loadConfig({ path: file(text) }))[0]).toMatch(
      /database\.read_urls: found .*expected at least 1/,
    );
  });

  it('are held to the same rules', () => {
    file('not a url', 'url');
    expect(problems(() => loadConfig({ path: file(`${NAME}database: {url_file: url}`) }))[0]).toMatch(
      /^ganglion\.yaml:2:1: database\.url: found something else, expected a PostgreSQL URL/,
    );
  });

  it('must exist, and be given once', () => {
    const text = `${NAME}database: {url_file: none}\nregistration: {shared_secret: abcdefgh, shared_secret_file: x}`;
    const [first, second] = problems(() => loadConfig({ path: file(text) }));
    expect(first).toMatch(/^ganglion\.yaml:2:12: database\.url_file: cannot be read: ENOENT/);
    expect(second).toMatch(
      /registration\.shared_secret_file: give either shared_secret or shared_secret_file, not both$/,
    );
  });
});

describe('the environment', () => {
  const load = (env: Record<string, string>, text = NAME) => loadConfig({ path: file(text), env });

  it('wins over the file, and the overrides win over it', () => {
    const env = { GANGLION_DATABASE__POOL_SIZE: '7', GANGLION_HTTP__DRAIN_SECONDS: '1' };
    const overrides = { http: { drain_seconds: 2 } };
    const config = loadConfig({ path: file(`${NAME}database: {pool_size: 3, slow_statement_ms: 9}`), env, overrides });
    expect(config.database).toMatchObject({ pool_size: 7, slow_statement_ms: 9 });
    expect(config.http.drain_seconds).toBe(2);
  });

  it('can be all there is', () => {
    const config = loadConfig({
      env: { GANGLION_SERVER_NAMES__0__NAME: 'a.org', GANGLION_SERVER_NAMES__1__NAME: 'b.org' },
    });
    expect(config.server_names.map(({ name }) => name)).toEqual(['a.org', 'b.org']);
    expect(config.data_dir).toBe(join(process.cwd(), 'data'));
  });

  it('keeps text as text and reads the rest as YAML', () => {
    const config = load({
      GANGLION_REGISTRATION__ENABLED: 'true',
      GANGLION_REGISTRATION__SHARED_SECRET: '1234567890',
      GANGLION_ROOMS__DEFAULT_VERSION: '10',
      GANGLION_BUS__SERVERS: '[nats://a:1, nats://b:2]',
      GANGLION_RPC__ENDPOINTS__ROOM_SERVER: '["dns:room-server:9090"]',
      GANGLION_HTTP__TRUSTED_PROXIES: '[10.0.0.0/8]',
    });
    expect(config.registration).toEqual({
      enabled: true,
      allow_guests: false,
      requires_email: false,
      requires_token: false,
      shared_secret: '1234567890',
    });
    expect(config.rooms.default_version).toBe('10');
    expect(config.bus.servers).toEqual(['nats://a:1', 'nats://b:2']);
    expect(config.rpc.endpoints['room-server']).toEqual(['dns:room-server:9090']);
    expect(config.http.trusted_proxies).toEqual(['10.0.0.0/8']);
  });

  it('is named when it is wrong', () => {
    expect(problems(() => load({ GANGLION_BUS__REPLICAS: 'three' }))).toEqual([
      'environment variable GANGLION_BUS__REPLICAS: bus.replicas: found "three", expected a number',
    ]);
    expect(problems(() => load({ GANGLION_DATABSE__URL: 'x', GANGLION_SERVER_NAMES__A__NAME: 'x' }))).toEqual([
      'environment variable GANGLION_DATABSE__URL: no such setting: DATABSE. Did you mean "DATABASE"?',
      'environment variable GANGLION_SERVER_NAMES__A__NAME: found A, expected the index of a list entry, from 0',
    ]);
  });

  it('says which part of a list it left out', () => {
    expect(problems(() => load({ GANGLION_SERVER_NAMES__2__NAME: 'c.org' }))).toEqual([
      'ganglion.yaml:1:1: server_names[1].name: missing, expected text',
    ]);
  });

  it('leaves alone what is not a setting', () => {
    const env = {
      GANGLION_CONFIG: 'x',
      GANGLION_TEST_POSTGRES: 'x',
      GANGLION_SERVICE_HOST: 'x',
      GANGLION_SYNC_PORT: 'tcp://x',
      GANGLION_ROOM_SERVER_PORT_9090_TCP_ADDR: 'x',
      GANGLION_SYNC_SERVICE_PORT_HTTP: '1',
      PATH: 'x',
    };
    expect(load(env)).toEqual(load({}));
  });
});
