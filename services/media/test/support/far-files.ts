import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RemoteRefusal } from '@ganglion/federation';
import { Outgoing } from '@ganglion/outgoing';
import { authorizeRequest } from '@ganglion/protocol';
import type { RemoteSource } from '../../src/domain/ports/remote-source.js';
import { FederatedSource } from '../../src/federation/federated-source.js';
import { FAR, FAR_KEY } from './deployment.js';

export type Respond = (response: ServerResponse) => unknown;

export const FEDERATION = '/_matrix/federation/v1/media/download/';
/** Where servers have files that are older than the endpoints between them. */
export const OLD = `/_matrix/media/v3/download/${FAR}/`;

/** Another server, whose every answer is made up. */
export interface FarFiles {
  readonly url: string;
  /** What it answers, by the beginning of the path. */
  readonly answers: Map<string, Respond>;
  /** The paths that were asked for. */
  readonly asked: string[];
  /** How it was asked. */
  readonly requests: IncomingMessage[];
  /** The URI of a file that it answers so about. */
  remote(respond: Respond, at?: string): string;
  /** How often a file was asked for. */
  timesAsked(uri: string): number;
  /** Asks a server at a URL, by default this one, as `FederationAgent` would ask where a server name leads. */
  source(options?: {
    url?: string;
    maxBytes?: number;
    timeoutMs?: number;
    elsewhere?: Pick<Outgoing, 'open'>;
  }): RemoteSource;
  close(): Promise<void>;
}

export async function startFarFiles(): Promise<FarFiles> {
  const outgoing = new Outgoing({ allowedNetworks: ['127.0.0.0/8'] });
  const answers = new Map<string, Respond>();
  const asked: string[] = [];
  const requests: IncomingMessage[] = [];
  let files = 0;
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    requests.push(request);
    const answer = [...answers].find(([start]) => path.startsWith(start))?.[1];
    if (answer) answer(response);
    else response.writeHead(404, { 'content-type': 'application/json' }).end('{"errcode":"M_NOT_FOUND"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const ownUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: ownUrl,
    answers,
    asked,
    requests,
    remote(respond, at = FEDERATION) {
      const mediaId = `file${++files}_`;
      answers.set(`${at}${mediaId}`, respond);
      return `mxc://${FAR}/${mediaId}`;
    },
    timesAsked: (uri) => asked.filter((path) => path.includes(uri.split('/').at(-1)!)).length,
    source({ url = ownUrl, maxBytes = 1_000_000, timeoutMs = 3_000, elsewhere = outgoing } = {}) {
      const agent = {
        async open({
          path,
          timeoutMs = 5_000,
          maxBytes: most = 0,
        }: {
          path: string;
          timeoutMs?: number;
          maxBytes?: number;
        }) {
          const signed = { method: 'GET', uri: path, origin: FAR, destination: 'one.test' };
          const headers = { authorization: authorizeRequest({ ...signed, content: undefined }, FAR_KEY) };
          const asking = { url: `${url}${path}`, headers, timeoutMs, maxBytes: most, protocols: ['http:'] as const };
          const answer = await outgoing.open(asking);
          if (answer.status === 200) return answer;
          let text = '';
          for await (const chunk of answer.body) text += chunk;
          const errcode = text.startsWith('{') ? JSON.parse(text).errcode : '';
          throw new RemoteRefusal(FAR, answer.status, errcode, 'refused');
        },
      };
      return new FederatedSource(agent, elsewhere, { origin: FAR, maxBytes, timeoutMs });
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await outgoing.close();
    },
  };
}

/** Answers with a file, in so many pieces. */
export function parts(body: Buffer | string, headers: string, pieces = 7): Respond {
  const all = Buffer.concat([beginOfParts(headers), Buffer.from(body), END_OF_PARTS]);
  return async (response) => {
    response.writeHead(200, PARTS);
    for (let from = 0; from < all.length; from += Math.ceil(all.length / pieces)) {
      await new Promise<void>((sent) =>
        response.write(all.subarray(from, from + Math.ceil(all.length / pieces)), () => sent()),
      );
    }
    response.end();
  };
}

export const PARTS = { 'content-type': 'multipart/mixed; boundary="=_b"' };
export const END_OF_PARTS = Buffer.from('\r\n--=_b--\r\n');

export function beginOfParts(headers: string): Buffer {
  return Buffer.from(`preamble\r\n--=_b\r\ncontent-type: application/json\r\n\r\n{}\r\n--=_b\r\n${headers}\r\n\r\n`);
}
