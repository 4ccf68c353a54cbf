import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections: a server that is down for a while finds its port again. */
const LOWEST = 15_000;
/** So many for each worker of a test run: two that look at the same time do not find the same one. */
const COUNT = 2_000;
const WORKERS = 8;
const FIRST = LOWEST + (Number(process.env.JEST_WORKER_ID ?? 0) % WORKERS) * COUNT;

const taken = new Set<number>();

/** Ports of 127.0.0.1 that nobody listens on, and that this process has not handed out before. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    ports.push(port);
  }
  return ports;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
