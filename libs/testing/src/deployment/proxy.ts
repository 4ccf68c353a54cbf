import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { ServiceName } from '@ganglion/config';
import { bodyOf, forwardedHeaders, mayRetry, withoutHopByHop } from './proxy-request.js';
import type { RouteTable } from './routes.js';
import { type Backend, type Upstream, Upstreams } from './upstreams.js';

export interface ProxyOptions {
  readonly port: number;
  readonly host?: string;
  /** It speaks TLS with this certificate, as other servers want it. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  readonly routes: RouteTable;
  /** Where the replicas of each service that answers requests are. */
  readonly replicas: (service: ServiceName) => readonly Backend[];
}

/** What an ingress is to a cluster: one address in front of all services. */
export interface RunningProxy {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts it. Each path goes to the replicas of its service in turn; a request that can be repeated is, when the connection
 * to a replica breaks before an answer began.
 *
 * @throws Error when the port is in use
 */
export async function startProxy({
  port,
  host = '127.0.0.1',
  tls,
  routes,
  replicas,
}: ProxyOptions): Promise<RunningProxy> {
  const upstreams = new Map(routes.services.map((service) => [service, new Upstreams(replicas(service))]));
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const service = upstreams.get(routes.serviceOf(request.url ?? '/')) as Upstreams;
    answer(service, request, response).catch(() => response.destroy());
  };
  const server = tls === undefined ? createServer(handle) : createSecureServer(tls, handle);
  server.keepAliveTimeout = 75_000;
  await once(server.listen({ port, host, backlog: 2_048 }), 'listening');
  const { port: taken } = server.address() as AddressInfo;
  const scheme = tls === undefined ? 'http' : 'https';
  return { url: `${scheme}://${host}:${taken}`, close: () => close(server, [...upstreams.values()]) };
}

async function close(server: Server, upstreams: readonly Upstreams[]): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await Promise.all(upstreams.map((service) => service.close()));
  await closed;
}

async function answer(service: Upstreams, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const body = await bodyOf(request);
  for (const upstream of service.inTurn()) {
    try {
      await forward(upstream, request, response, body, gone.signal);
      return;
    } catch (error) {
      if (response.headersSent || gone.signal.aborted) throw error;
      upstream.live = false;
      if (!mayRetry(request.method ?? 'GET', body, error)) break;
    }
  }
  refuse(response);
}

type Body = Awaited<ReturnType<typeof bodyOf>>;

async function forward(
  { pool }: Upstream,
  request: IncomingMessage,
  response: ServerResponse,
  body: Body,
  signal: AbortSignal,
): Promise<void> {
  const { method = 'GET', url: path = '/' } = request;
  const headers = forwardedHeaders(request);
  const answered = await pool.request({ method, path, headers, body, signal, responseHeaders: 'raw' } as never);
  const raw = (answered.headers as unknown as (string | Buffer)[]).map(String);
  response.writeHead(answered.statusCode, withoutHopByHop(raw));
  await pipeline(answered.body, response);
}

/** No replica is there. A client that waits a little and asks again will find one. */
function refuse(response: ServerResponse): void {
  const headers = { 'content-type': 'application/json', 'access-control-allow-origin': '*', 'retry-after': '1' };
  response.writeHead(503, headers).end('{"errcode":"M_UNKNOWN","error":"The service is not available right now"}');
}
