import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const GO_MODULE = 'github.com/nats-io/nats-server/v2@v2.10.29';
/** Ignored by git; the repository's own tools. */
const TOOLS = fileURLToPath(new URL('../../../.tools/bin', import.meta.url));
/** Where Debian puts daemons, which is not on everybody's PATH. */
const SYSTEM = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin'];
const INSTALL_TIMEOUT_MS = 300_000;

let found: Promise<string> | undefined;

/**
 * The nats-server on this machine; when there is none it is installed, by apt when root, else by Go.
 *
 * @throws Error saying what to install when neither works
 */
export function natsServerBinary(): Promise<string> {
  found ??= findOrInstall();
  return found;
}

async function findOrInstall(): Promise<string> {
  const failures: string[] = [];
  for (const install of [async () => {}, installByApt, installByGo]) {
    await install().catch((error: Error) => failures.push(error.message.trim()));
    const binary = await find();
    if (binary) return binary;
  }
  throw new Error(
    `The tests need nats-server 2.9 or newer: install it from https://nats.io/download and put it on PATH.\n${failures.join('\n')}`,
  );
}

async function find(): Promise<string | undefined> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM, TOOLS]) {
    const binary = join(folder, 'nats-server');
    const usable = await access(binary, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return binary;
  }
  return undefined;
}

async function installByApt(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('apt-get: not root');
  const options = { timeout: INSTALL_TIMEOUT_MS, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  const install = () =>
    run(
      'apt-get',
      ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', 'nats-server'],
      options,
    );
  await install().catch(async () => {
    await run('apt-get', ['update'], options);
    await install();
  });
}

async function installByGo(): Promise<void> {
  await run('go', ['install', GO_MODULE], { timeout: INSTALL_TIMEOUT_MS, env: { ...process.env, GOBIN: TOOLS } });
}
