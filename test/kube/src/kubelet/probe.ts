import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: number | string };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
}

interface Port {
  readonly name?: string;
  readonly containerPort: number;
}

const dispatcher = new Agent({ pipelining: 0, allowH2: false });

/**
 * Asks again and again, until the signal, and tells what is so when enough answers in a row say it.
 *
 * @throws Error for a probe of a kind that is not known here
 */
export async function probe(
  { httpGet, initialDelaySeconds = 0, periodSeconds = 10, timeoutSeconds = 1, ...thresholds }: Probe,
  address: string,
  ports: readonly Port[],
  tell: (well: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  if (httpGet === undefined) throw new Error('this kubelet probes by HTTP alone');
  const { successThreshold = 1, failureThreshold = 3 } = thresholds;
  const port = ports.find(({ name }) => name === httpGet.port)?.containerPort ?? httpGet.port;
  const url = `http://${address}:${port}${httpGet.path}`;
  let [good, bad] = [0, 0];
  await pause(initialDelaySeconds * 1_000, signal);
  while (!signal.aborted) {
    const well = await answersWell(url, timeoutSeconds * 1_000);
    if (signal.aborted) return;
    [good, bad] = well ? [good + 1, 0] : [0, bad + 1];
    if (good >= successThreshold) tell(true);
    if (bad >= failureThreshold) tell(false);
    await pause(periodSeconds * 1_000, signal);
  }
}

/** Waits, or less long when it is aborted. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
}

async function answersWell(url: string, timeoutMs: number): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url, { dispatcher, signal: AbortSignal.timeout(timeoutMs) });
    await body.dump();
    return statusCode < 400;
  } catch {
    return false;
  }
}
