import { anonymous } from './load/account.ts';
import { Client } from './load/client.ts';
import { listenersOf } from './proc/listener.ts';
import { probeOf } from './proc/probe.ts';
import type { Target } from './types.ts';

/**
 * Fills in what nobody told about a target: the name it gives itself, and its processes when they are on this machine.
 *
 * @throws Error when nobody answers there, or a process that was named is not there
 */
export async function known(target: Target): Promise<Target> {
  for (const pid of [...target.pids, ...target.idlePids]) {
    if (!probeOf([pid])) throw new Error(`There is no process ${pid} to be seen from here`);
  }
  const client = new Client(target.url, 1);
  try {
    await mustAnswer(client, target.url);
    const name = target.name || (await nameOf(client)) || new URL(target.url).host;
    const pids = target.pids.length > 0 ? target.pids : listenersOf(target.url);
    return { ...target, name, pids };
  } finally {
    await client.close();
  }
}

async function mustAnswer(client: Client, url: string): Promise<void> {
  try {
    await client.call('GET', '/_matrix/client/versions', anonymous);
  } catch (error) {
    throw new Error(`No homeserver answers at ${url}: ${(error as Error).message || 'no connection'}`);
  }
}

/** https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1version, which not every port serves. */
async function nameOf(client: Client): Promise<string | undefined> {
  try {
    const path = '/_matrix/federation/v1/version';
    const { server } = await client.call<{ server?: { name?: string; version?: string } }>('GET', path, anonymous);
    return [server?.name, server?.version].filter(Boolean).join(' ');
  } catch {
    return undefined;
  }
}
