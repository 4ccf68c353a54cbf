import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import {
  configExample,
  configJsonSchema,
  developmentConfig,
  developmentConfigText,
  loadConfig,
  parseConfig,
} from '../src/index.js';
import type { JsonSchema } from '../src/json-schema.js';

const root = join(import.meta.dirname, '../../..');
const deploy = join(root, 'deploy');

/** Every key that the schema knows, such as `server_names.name`. */
function schemaKeys(schema: JsonSchema, prefix = ''): string[] {
  const inner = schema.properties ?? schema.items?.properties;
  if (!inner) return [prefix];
  return Object.entries(inner).flatMap(([key, child]) => schemaKeys(child, `${prefix}${prefix && '.'}${key}`));
}

/** Every key of a parsed file, in the same form. */
function fileKeys(value: unknown, prefix = ''): string[] {
  const [first] = Array.isArray(value) ? value : [undefined];
  const mapping = typeof first === 'object' ? first : value;
  if (typeof mapping !== 'object' || mapping === null || Array.isArray(mapping)) return [prefix];
  return Object.entries(mapping).flatMap(([key, child]) => fileKeys(child, `${prefix}${prefix && '.'}${key}`));
}

function keysWithoutDescription(schema: JsonSchema, prefix = ''): string[] {
  const inner = Object.entries(schema.properties ?? schema.items?.properties ?? {});
  return inner.flatMap(([key, child]) => [
    ...(child.description || prefix.startsWith('rate_limits.') ? [] : [`${prefix}${key}`]),
    ...keysWithoutDescription(child, `${prefix}${key}.`),
  ]);
}

/** All code that could read a setting. */
function sources(): string {
  const folders = ['libs', 'services'].flatMap((side) => {
    const packages = readdirSync(join(root, side), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return packages.map(({ name }) => join(root, side, name, 'src')).filter((folder) => existsSync(folder));
  });
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  );
  const code = files.filter((file) => file.endsWith('.ts') && !file.includes('/gen/') && !file.includes('/sections/'));
  return code.map((file) => readFileSync(file, 'utf8')).join('\n');
}

it('every setting is read by something', () => {
  const code = sources();
  const isRead = (key: string) => new RegExp(`\\b${key.replace(/_file$/, '(_file)?')}\\b`).test(code);
  const names = schemaKeys(configJsonSchema()).map((path) => path.split('.').at(-1) ?? '');
  expect(names.filter((name) => !isRead(name))).toEqual([]);
});

describe('deploy/ganglion.example.yaml', () => {
  const text = readFileSync(join(deploy, 'ganglion.example.yaml'), 'utf8');
  const uncommented = text.replaceAll(/^( *)#(?![# ])/gm, '$1');

  it('is what the schema says now', () => {
    expect(text).toBe(configExample());
  });

  it('can be loaded as it is', () => {
    const config = loadConfig({ path: join(deploy, 'ganglion.example.yaml') });
    expect(config.server_names.map(({ name }) => name)).toEqual(['example.org']);
  });

  it('documents every key, and no other', () => {
    expect(fileKeys(parse(uncommented)).sort()).toEqual(schemaKeys(configJsonSchema()).sort());
    expect(keysWithoutDescription(configJsonSchema())).toEqual([]);
  });

  it('shows values that would be accepted', () => {
    const { database, registration, ...rest } = parse(uncommented);
    // A secret is given in one of two ways; the example shows both.
    const files = ['secret_access_key_file', 'password_file', 'turn_shared_secret_file'];
    const inOneWay = JSON.stringify(rest, (key, value) => (files.includes(key) ? undefined : value));
    expect(() => parseConfig(inOneWay, '/')).not.toThrow();
    const one = {
      server_names: rest.server_names,
      database: { ...database, url_file: undefined, read_urls_file: undefined, embedded: undefined },
    };
    expect(() => parseConfig(JSON.stringify(one), '/')).not.toThrow();
    const other = {
      ...one,
      database: { embedded: database.embedded },
      registration: { ...registration, shared_secret_file: undefined },
    };
    expect(() => parseConfig(JSON.stringify(other), '/')).not.toThrow();
  });

  it('shows the defaults', () => {
    const shown = parse(uncommented);
    const config = parseConfig('server_names: [{name: example.org}]', '/');
    expect(shown.sync).toEqual(config.sync);
    expect(shown.rate_limits).toEqual(config.rate_limits);
    expect(shown.passwords).toEqual(config.passwords);
  });
});

describe('deploy/config.schema.json', () => {
  it('is what the schema says now', () => {
    expect(JSON.parse(readFileSync(join(deploy, 'config.schema.json'), 'utf8'))).toEqual(configJsonSchema());
  });
});

describe('the development configuration', () => {
  it('keeps everything in its folder and lets nobody register', () => {
    const config = developmentConfig('/srv/ganglion', 'a "quoted" secret');
    expect(config.data_dir).toBe('/srv/ganglion');
    expect(config.server_names).toEqual([
      { name: 'localhost', signing_key_path: '/srv/ganglion/keys/localhost.signing.key' },
    ]);
    expect(config.registration).toEqual({
      enabled: false,
      allow_guests: false,
      requires_email: false,
      requires_token: false,
      shared_secret: 'a "quoted" secret',
    });
    expect(config.database.embedded).toEqual({});
  });

  it('is the text that the first start writes', () => {
    expect(parseConfig(developmentConfigText('a secret'), '/x')).toEqual(developmentConfig('/x', 'a secret'));
  });
});
