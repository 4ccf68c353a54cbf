import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What happens to a request on its way; undefined lets it pass. */
export type Fault = '503' | 'full' | 'cut' | 'hang up' | undefined;

/** Stands between a client and a server, and gets in the way. */
export interface FaultyProxy {
  readonly url: string;
  /** Asked for every request, with its method and path. */
  fault: (method: string, path: string) => Fault;
  close(): Promise<void>;
}

const BUSY = '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>';
const FULL = '<Error><Code>InsufficientStorage</Code><Message>The disk is full.</Message></Error>';

/** @param tls the certificate and key to show, in PEM; without it, it speaks plain HTTP */
export async function startFaultyProxy(
  target: string,
  tls?: { readonly cert: string; readonly key: string },
): Promise<FaultyProxy> {
  const proxy = { url: '', fault: (): Fault => undefined, close: async () => {} } as {
    -readonly [K in keyof FaultyProxy]: FaultyProxy[K];
  };
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const fault = proxy.fault(incoming.method ?? '', incoming.url ?? '');
    if (fault === '503' || fault === 'full') {
      incoming.resume().on('end', () => {
        const [status, body] = fault === '503' ? [503, BUSY] : [507, FULL];
        outgoing.writeHead(status as number, { 'content-type': 'application/xml' }).end(body);
      });
    } else if (fault === 'hang up') incoming.socket.destroy();
    else pass(incoming, outgoing, target, fault === 'cut');
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy.url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  proxy.close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return proxy;
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, target: string, cut: boolean): void {
  const { method, url, headers } = incoming;
  const onward = request(`${target}${url}`, { method: method ?? 'GET', headers, setHost: false }, (response) => {
    outgoing.writeHead(response.statusCode ?? 500, response.headers);
    let left = cut ? Math.floor(Number(response.headers['content-length'] ?? 0) / 2) : Number.POSITIVE_INFINITY;
    response.on('data', (chunk: Buffer) => {
      outgoing.write(chunk.subarray(0, Math.max(0, left)));
      left -= chunk.length;
      if (left <= 0) outgoing.destroy();
    });
    response.on('end', () => outgoing.end());
    response.on('error', () => outgoing.destroy());
  });
  onward.on('error', () => outgoing.destroy());
  incoming.pipe(onward);
}
