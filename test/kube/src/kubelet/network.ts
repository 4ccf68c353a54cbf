import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Every pod asks here for the way out; nobody else has this address. */
const GATEWAY = '169.254.1.1';

/** The names of a pod's network: of its namespace, and of the end of its cable on this side. */
export function networkOf(uid: string) {
  const short = uid.replaceAll('-', '').slice(0, 10);
  return { namespace: `pod-${short}`, cable: `v${short}` };
}

/**
 * A network namespace with one address, whose only way out is a cable to this side: pods reach each other through kube-proxy's
 * rules, which are here.
 */
export async function connect(uid: string, address: string): Promise<void> {
  const { namespace, cable } = networkOf(uid);
  // The machine may have died with it.
  await disconnect(uid);
  await ip('netns', 'add', namespace);
  await ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  const inside = (...args: string[]) => ip('-netns', namespace, ...args);
  await inside('link', 'set', 'lo', 'up');
  await inside('address', 'add', `${address}/32`, 'dev', 'eth0');
  await inside('link', 'set', 'eth0', 'up');
  await inside('route', 'add', GATEWAY, 'dev', 'eth0');
  await inside('route', 'add', 'default', 'via', GATEWAY, 'dev', 'eth0');
  await ip('link', 'set', cable, 'up');
  await ip('address', 'add', `${GATEWAY}/32`, 'dev', cable);
  await ip('route', 'replace', `${address}/32`, 'dev', cable);
}

export async function disconnect(uid: string): Promise<void> {
  const { namespace, cable } = networkOf(uid);
  await ip('link', 'delete', cable).catch(() => {});
  await ip('netns', 'delete', namespace).catch(() => {});
}

function ip(...args: string[]) {
  return run('ip', args);
}
