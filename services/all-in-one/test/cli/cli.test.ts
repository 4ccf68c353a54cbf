import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICE_NAMES } from '@ganglion/config';
import { EXTERNAL, TestShell } from './support.js';

let shell: TestShell;
beforeEach(() => {
  shell = new TestShell();
});
afterEach(() => shell.remove());

describe('help and mistakes', () => {
  it('explains itself', async () => {
    expect(await shell.run('--help')).toBe(0);
    for (const command of ['start', 'create-user', 'config', 'generate-signing-key', 'media', 'migrate']) {
      expect(shell.output).toContain(command);
    }
    expect(shell.output).toContain('Examples:');
    expect(shell.output).toContain('Exit codes:');
  });

  it.each(['start', 'create-user', 'config', 'generate-signing-key', 'media', 'migrate'])(
    'explains %s',
    async (command) => {
      expect(await shell.run(command, '--help')).toBe(0);
      expect(shell.output).toContain(`Usage: ganglion ${command}`);
    },
  );

  it.each([
    [['strat'], 'Did you mean start?'],
    [['start', '--confg', 'x'], 'Did you mean --config?'],
    [['start', 'room-sever'], 'Allowed choices are client-api, federation-api, room-server'],
    [['create-user'], "missing required argument 'user'"],
  ])('ends with 2 for %j', async (args, hint) => {
    expect(await shell.run(...args)).toBe(2);
    expect(shell.errors).toContain(hint);
  });

  it.each(['--version', '-V'])('tells with %s the version that package.json has', async (option) => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
    expect(await shell.run(option)).toBe(0);
    expect(shell.output.trim()).toBe(version);
  });

  it('ends with 2 and help when there is no command', async () => {
    expect(await shell.run()).toBe(2);
    expect(shell.errors).toContain('Usage: ganglion');
  });

  it('ends with 1 when the work fails', async () => {
    shell.file('ganglion.yaml', EXTERNAL);
    shell.migrateAll = () => Promise.reject(new Error('the database is on fire'));
    expect(await shell.run('migrate')).toBe(1);
    expect(shell.errors).toContain('the database is on fire');
  });

  it('says what has led to it when the work fails', async () => {
    shell.file('ganglion.yaml', EXTERNAL);
    const refused = (port: number) => Object.assign(new Error(`connect ::1:${port}`), { code: 'ECONNREFUSED' });
    const cause = new AggregateError([refused(1), refused(2)], '');
    shell.migrateAll = () => Promise.reject(new Error('cannot connect to the database', { cause }));
    expect(await shell.run('migrate')).toBe(1);
    expect(shell.errors).toMatch(
      /cannot connect to the database[\s\S]*Because of: [\s\S]*connect ::1:1[\s\S]*\(ECONNREFUSED\)[\s\S]*connect ::1:2/,
    );
  });
});

describe('config', () => {
  it('check says that a configuration is correct', async () => {
    const path = shell.file('ganglion.yaml', EXTERNAL);
    expect(await shell.run('config', 'check')).toBe(0);
    expect(shell.output).toBe(`${path} is a correct configuration, for example.org.\n`);
  });

  it('check says what is wrong where, and ends with 2', async () => {
    shell.file('other.yaml', 'server_names: [{name: example.org}]\nhttp: {drain: 1}\n');
    expect(await shell.run('config', 'check', '--config', 'other.yaml')).toBe(2);
    expect(shell.errors).toMatch(/other\.yaml:2:8: http\.drain: unknown key/);
  });

  it('check ends with 2 when there is nothing to check', async () => {
    expect(await shell.run('config', 'check')).toBe(2);
    expect(shell.errors).toMatch(/^There is no configuration/);
  });

  it('check takes the environment alone', async () => {
    shell.env.GANGLION_SERVER_NAMES__0__NAME = 'example.org';
    expect(await shell.run('config', 'check')).toBe(0);
    expect(shell.output).toBe('The environment is a correct configuration, for example.org.\n');
  });

  it('check prefers --config, then GANGLION_CONFIG, then the folder', async () => {
    shell.file('ganglion.yaml', EXTERNAL);
    shell.env.GANGLION_CONFIG = shell.file('b.yaml', EXTERNAL.replace('example.org', 'b.org'));
    await shell.run('config', 'check');
    expect(shell.output).toContain('b.org');
    shell.file('c.yaml', EXTERNAL.replace('example.org', 'c.org'));
    await shell.run('config', 'check', '-c', 'c.yaml');
    expect(shell.output).toContain('c.org');
  });

  it('example prints what check accepts, schema prints JSON', async () => {
    await shell.run('config', 'example');
    shell.file('ganglion.yaml', shell.output);
    expect(await shell.run('config', 'check')).toBe(0);
    shell.output = '';
    expect(await shell.run('config', 'schema')).toBe(0);
    expect(JSON.parse(shell.output)).toHaveProperty('properties.server_names');
  });
});

describe('generate-signing-key', () => {
  it('makes a key for each name, for our eyes only, and never a second one', async () => {
    shell.file('ganglion.yaml', 'server_names: [{name: a.org}, {name: b.org, signing_key_path: b.key}]');
    expect(await shell.run('generate-signing-key')).toBe(0);
    const path = join(shell.cwd, 'data/keys/a.org.signing.key');
    const key = readFileSync(path, 'utf8');
    expect(key).toMatch(/^ed25519 a_[0-9a-f]{6} [A-Za-z0-9+/]{43}\n$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(shell.cwd, 'b.key'), 'utf8')).not.toBe(key);

    shell.output = '';
    expect(await shell.run('generate-signing-key')).toBe(0);
    expect(shell.output).toContain(`a.org: kept ${path}`);
    expect(readFileSync(path, 'utf8')).toBe(key);
  });

  it('prints one without any configuration', async () => {
    expect(await shell.run('generate-signing-key', '--print')).toBe(0);
    expect(shell.output).toMatch(/^ed25519 a_[0-9a-f]{6} [A-Za-z0-9+/]{43}\n$/);
  });
});

describe('start', () => {
  it('starts everything, ready to use, until it is stopped', async () => {
    shell.file('ganglion.yaml', `${EXTERNAL}telemetry: {log: {format: text}}`);
    const ended = shell.run('start');
    shell.stop();
    expect(await ended).toBe(0);
    expect(shell.done).toEqual(['migrate /d', `start ${SERVICE_NAMES.join(' ')} on postgresql:`, 'stop']);
    expect(existsSync(join(shell.cwd, 'data/keys/example.org.signing.key'))).toBe(true);
    expect(shell.output).toContain('http://127.0.0.1:8008');
    expect(shell.output).toContain('ganglion create-user alice');
  });

  it('starts the named services, and prepares nothing', async () => {
    shell.file('ganglion.yaml', EXTERNAL);
    shell.stop();
    expect(await shell.run('start', 'sync', 'room-server')).toBe(0);
    expect(shell.done).toEqual(['start sync room-server on postgresql:', 'stop']);
    expect(existsSync(join(shell.cwd, 'data'))).toBe(false);
    expect(shell.output).toBe('');
  });

  it('makes a configuration and a database the first time', async () => {
    shell.stop();
    expect(await shell.run('start')).toBe(0);
    const text = readFileSync(join(shell.cwd, 'data/ganglion.yaml'), 'utf8');
    expect(text).toMatch(/shared_secret: "[\w-]{43}"/);
    expect(statSync(join(shell.cwd, 'data/ganglion.yaml')).mode & 0o777).toBe(0o600);
    expect(existsSync(join(shell.cwd, 'data/postgres/PG_VERSION'))).toBe(true);
    expect(existsSync(join(shell.cwd, 'data/postgres/postmaster.pid'))).toBe(false);
    expect(shell.done[0]).toBe('migrate /ganglion');

    expect(await shell.run('start')).toBe(0);
    expect(readFileSync(join(shell.cwd, 'data/ganglion.yaml'), 'utf8')).toBe(text);
  });

  it('stops the database when the services do not start', async () => {
    shell.startServices = () => Promise.reject(new Error('address already in use'));
    expect(await shell.run('start')).toBe(1);
    expect(shell.errors).toContain('address already in use');
    expect(existsSync(join(shell.cwd, 'data/postgres/postmaster.pid'))).toBe(false);
  });
});
