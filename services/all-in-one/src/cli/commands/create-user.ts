import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Config } from '@ganglion/config';
import { type ConfigOption, loadCliConfig } from '../config-file.js';
import { type CliContext, CliError } from '../context.js';
import { RegistrationClient } from '../registration-client.js';
import { serverUrl } from '../server-url.js';

export interface CreateUserOptions extends ConfigOption {
  readonly admin?: boolean;
  readonly displayName?: string;
  readonly passwordFile?: string;
  readonly url?: string;
}

/** Makes an account on the running server, by the shared secret of the configuration. */
export async function createUser(user: string, options: CreateUserOptions, context: CliContext): Promise<void> {
  const { config } = loadCliConfig(options, context);
  const secret = config.registration.shared_secret;
  if (secret === undefined)
    throw new CliError('registration.shared_secret is not set: without it, no account can be made here.', 2);
  const { localpart, serverName } = parseUser(user, config);
  const password = options.passwordFile === undefined ? await askPassword(context) : readPassword(options.passwordFile);

  const client = new RegistrationClient(options.url ?? serverUrl(config), serverName);
  const nonce = await client.nonce();
  const admin = options.admin ?? false;
  const userId = await client.register({
    nonce,
    username: localpart,
    password,
    admin,
    inhibit_login: true,
    ...(options.displayName === undefined ? {} : { displayname: options.displayName }),
    mac: registrationMac(secret, [nonce, localpart, password, admin ? 'admin' : 'notadmin']),
  });
  context.out(`Made ${userId}${admin ? ', an administrator' : ''}.\n`);
}

/** `alice` is of the first server name, `@alice:example.org` of the one it says. */
function parseUser(user: string, { server_names }: Config): { localpart: string; serverName: string } {
  const [, localpart, serverName] = /^@([^:]*):(.+)$/.exec(user) ?? [];
  if (localpart === undefined || serverName === undefined) return { localpart: user, serverName: server_names[0].name };
  if (server_names.some(({ name }) => name === serverName)) return { localpart, serverName };
  throw new CliError(`${serverName} is not a server name of this deployment.`, 2);
}

/** The parts joined by NULs, under the secret, by HMAC-SHA1: the scheme that Synapse's clients know. */
function registrationMac(secret: string, parts: readonly string[]): string {
  return createHmac('sha1', secret).update(parts.join('\0')).digest('hex');
}

async function askPassword(context: CliContext): Promise<string> {
  const password = await context.askSecret('Password: ');
  if (password === '') throw new CliError('The password is empty.', 2);
  return password;
}

function readPassword(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new CliError(`${path} cannot be read: ${(error as Error).message}`, 2);
  }
}
