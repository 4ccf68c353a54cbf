import { createHmac, randomBytes } from 'node:crypto';
import type { Target } from '../types.ts';
import { type Client, RefusedError } from './client.ts';

export interface Account {
  userId: string;
  deviceId: string;
  password: string;
  /** All that a request of this account carries, ready to send. */
  headers: string[];
  /** How far this account has synced. */
  since?: string;
}

interface Registered {
  user_id: string;
  device_id: string;
  access_token: string;
}

export const anonymous: string[] = ['content-type', 'application/json'];

/**
 * Makes an account, through the shared secret when there is one and by open registration otherwise.
 *
 * @throws RefusedError when the server will not have it
 */
export async function makeAccount(client: Client, target: Target, localpart: string): Promise<Account> {
  const password = randomBytes(16).toString('hex');
  const { sharedSecret } = target;
  const made = sharedSecret
    ? await registerBySecret(client, sharedSecret, localpart, password)
    : await registerOpenly(client, localpart, password);
  return accountOf(made, password);
}

/** The same account on another device: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3login */
export async function logIn(client: Client, { userId, password }: Account): Promise<Account> {
  const request = { type: 'm.login.password', identifier: { type: 'm.id.user', user: userId }, password };
  return accountOf(await client.call<Registered>('POST', '/_matrix/client/v3/login', anonymous, request), password);
}

function accountOf({ user_id, device_id, access_token }: Registered, password: string): Account {
  const headers = [...anonymous, 'authorization', `Bearer ${access_token}`];
  return { userId: user_id, deviceId: device_id, password, headers };
}

async function registerBySecret(client: Client, secret: string, username: string, password: string) {
  const path = '/_synapse/admin/v1/register';
  const { nonce } = await client.call<{ nonce: string }>('GET', path, anonymous);
  const mac = registrationMac(secret, nonce, username, password);
  return client.call<Registered>('POST', path, anonymous, { nonce, username, password, admin: false, mac });
}

/** Proves knowledge of the shared secret, for an account that is no administrator. */
export function registrationMac(secret: string, nonce: string, username: string, password: string): string {
  return createHmac('sha1', secret).update([nonce, username, password, 'notadmin'].join('\0')).digest('hex');
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register, in the one stage m.login.dummy. */
async function registerOpenly(client: Client, username: string, password: string): Promise<Registered> {
  const path = '/_matrix/client/v3/register';
  const request = { username, password, initial_device_display_name: 'benchmark' };
  try {
    return await client.call<Registered>('POST', path, anonymous, request);
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status !== 401) throw error;
    const auth = { type: 'm.login.dummy', session: error.body.session };
    return client.call<Registered>('POST', path, anonymous, { ...request, auth });
  }
}
