import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Config, type ConfigInput, parseConfig } from '@ganglion/config';
import type { ServerKeyRing } from '@ganglion/contracts/federation';
import { createHttpApp, type HttpApp, JsonBody } from '@ganglion/http';
import { generateSigningKey, ready, type SigningKey } from '@ganglion/protocol';
import { createLogger, Metrics } from '@ganglion/telemetry';
import { Authority, type CertificateFiles } from '@ganglion/testing';
import { Controller, Get, HttpCode, Module, Post, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import {
  type Asked,
  AskedBy,
  FederationAgent,
  FederationGuard,
  type FederationRequest,
  RemoteRefusal,
  RequestAuthentication,
  UnreachableServerError,
} from '../src/index.js';
import { ServerPolicy } from '../src/server-policy.js';

const ORIGIN = 'asking.example';
let authority: Authority;
let files: CertificateFiles;
let key: SigningKey;
let agent: FederationAgent;
let destination: string;
let handle: RequestListener = (_, response) => response.end('{}');
let server: Server;
let app: HttpApp;
let keysOf: ServerKeyRing['getServerKeys'];

function federationConfig(more: ConfigInput['federation'] = {}): Config['federation'] {
  return parseConfig(JSON.stringify({ server_names: [{ name: ORIGIN }], federation: more }), '/').federation;
}

/** Every name is this machine; every service record points to the one server. */
function agentWith(more: ConfigInput['federation'] = {}): FederationAgent {
  const config = federationConfig({ allowed_networks: ['127.0.0.0/8'], trusted_ca_file: files.ca, ...more });
  return new FederationAgent({
    config,
    signingKeys: new Map([[ORIGIN, key]]),
    lookup: (_, __, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    findRecords: async () => [{ name: 'behind.example', port: portOf(server), priority: 1, weight: 1 }],
  });
}

const portOf = (of: Server) => (of.address() as AddressInfo).port;

@Controller()
@UseGuards(FederationGuard)
class EchoController {
  @Get('_matrix/federation/v1/echo')
  get(@AskedBy() asked: Asked) {
    return asked;
  }

  @Post('_matrix/federation/v1/echo')
  @HttpCode(200)
  post(@AskedBy() asked: Asked, @JsonBody(z.unknown()) body: unknown) {
    return { ...asked, body };
  }
}

@Module({})
class EchoModule {}

beforeAll(async () => {
  await ready();
  key = generateSigningKey('a_1');
  authority = await Authority.create('a network of its own');
  files = await authority.issue('served.example');
  server = createServer({ cert: readFileSync(files.cert), key: readFileSync(files.key) }, (request, response) =>
    handle(request, response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  destination = `served.example:${portOf(server)}`;
  agent = agentWith();
  const keyRing = { getServerKeys: (request: Parameters<typeof keysOf>[0]) => keysOf(request) };
  const authentication = new RequestAuthentication(
    [destination, 'also.example'],
    new ServerPolicy(federationConfig({ denied_domains: ['denied.*'] })),
    keyRing,
  );
  const module = {
    module: EchoModule,
    controllers: [EchoController],
    providers: [{ provide: RequestAuthentication, useValue: authentication }],
  };
  app = await createHttpApp([module], {
    config: parseConfig(JSON.stringify({ server_names: [{ name: 'x.example' }] }), '/').http,
    tokens: { verify: () => Promise.reject(new Error('no endpoint here takes a token')) },
    rateLimiter: { take: async () => ({ allowed: true, retryAfterMs: 0 }) },
    health: {},
    logger: createLogger({ level: 'silent' }),
    metrics: new Metrics(),
  });
});
beforeEach(() => {
  handle = (_, response) => response.end('{}');
  keysOf = async ({ wanted }) => ({
    servers: wanted.map(({ serverName }) => ({
      serverName,
      keys: [{ keyId: key.keyId, publicKey: Buffer.from(key.publicKey), validUntilTs: Date.now() + 60_000 }],
    })),
  });
});
afterAll(async () => {
  await Promise.all([agent.close(), app.drain()]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  authority.end();
});

const asked = (more: Partial<FederationRequest> = {}): FederationRequest => ({
  ...{ origin: ORIGIN, destination, method: 'GET', path: '/_matrix/federation/v1/echo?a=%C3%A9', timeoutMs: 20_000 },
  ...more,
});

/** Hands what came over TLS to the application, as a proxy would. */
const toApp: RequestListener = (request, response) => app.fastify.routing(request, response);

describe('a request', () => {
  it('says who asks whom, and is believed', async () => {
    handle = toApp;
    expect(await agent.request(asked())).toEqual({ origin: ORIGIN, destination });
    const body = { text: 'é"\\', list: [1, null, true], nested: { b: 1, a: 2 } };
    expect(await agent.request(asked({ method: 'POST', body }))).toEqual({ origin: ORIGIN, destination, body });
  });

  it('reaches a name that a service record points from, as that name', async () => {
    handle = ({ headers }, response) => response.end(JSON.stringify({ host: headers.host }));
    expect(await agent.request(asked({ destination: 'served.example' }))).toEqual({ host: 'served.example' });
  });

  it('is not made to a server that is not the one it says it is', async () => {
    let came = 0;
    handle = (_, response) => {
      came++;
      response.end('{}');
    };
    const names = ['other.example', `other.example:${portOf(server)}`, `127.0.0.1:${portOf(server)}`];
    for (const name of names) {
      await expect(agent.request(asked({ destination: name }))).rejects.toThrow(UnreachableServerError);
      await agent.request(asked({ destination: 'served.example' }));
    }
    expect(came).toBe(names.length);
  });

  it('is not made to a server that no authority vouches for', async () => {
    const trusting = agentWith({ trusted_ca_file: (await (await Authority.create('another')).issue('x')).ca });
    await expect(trusting.request(asked())).rejects.toThrow(UnreachableServerError);
    await trusting.close();
  });

  it('is not made to private networks, nor to servers that the operator does not want', async () => {
    let came = 0;
    handle = () => came++;
    const cut: [ConfigInput['federation'], unknown][] = [
      [{ allowed_networks: [] }, { name: 'UnreachableServerError' }],
      [{ denied_domains: ['*.example'] }, { errcode: 'M_FORBIDDEN' }],
      [{ allowed_domains: ['elsewhere.example'] }, { errcode: 'M_FORBIDDEN' }],
      [{ enabled: false }, { errcode: 'M_FORBIDDEN' }],
    ];
    for (const [settings, error] of cut) {
      const careful = agentWith(settings);
      await expect(careful.request(asked())).rejects.toMatchObject(error as object);
      await careful.close();
    }
    await expect(agent.request(asked({ destination: 'no name' }))).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect(came).toBe(0);
  });

  it('that is refused says why', async () => {
    handle = (_, response) => response.writeHead(404).end('{"errcode":"M_NOT_FOUND","error":"no such room","more":1}');
    const refusal = await agent.request(asked()).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(RemoteRefusal);
    expect(refusal).toMatchObject({ status: 404, errcode: 'M_NOT_FOUND', message: 'no such room', isTemporary: false });
    handle = (_, response) => response.writeHead(502).end(`<html>${'x'.repeat(200_000)}`);
    await expect(agent.request(asked())).rejects.toMatchObject({ status: 502, errcode: '', isTemporary: true });
  });

  it.each([
    ['HTML', '<html></html>'],
    ['a list', '[]'],
    ['nothing', ''],
    ['bytes', Buffer.from([0x7b, 0xff, 0x7d])],
    ['half of it', '{"a":'],
  ])('that is answered with success and %s is not answered', async (_, text) => {
    handle = (_, response) => response.end(text);
    await expect(agent.request(asked())).rejects.toThrow(UnreachableServerError);
  });

  it('is not answered by what is too long, too slow, or redirects', async () => {
    handle = (_, response) => response.end(JSON.stringify({ a: 'x'.repeat(2_000) }));
    await expect(agent.request(asked({ maxBytes: 1_000 }))).rejects.toThrow(UnreachableServerError);
    handle = () => {};
    await expect(agent.request(asked({ timeoutMs: 200 }))).rejects.toThrow(UnreachableServerError);
    handle = (_, response) => response.writeHead(302, { location: `https://${destination}/x` }).end();
    await expect(agent.request(asked())).rejects.toMatchObject({ status: 302 });
  });

  it('can be answered with bytes', async () => {
    handle = (_, response) => response.writeHead(200, { 'content-type': 'image/png' }).end('bytes');
    const { headers, body } = await agent.open(asked());
    expect(headers['content-type']).toBe('image/png');
    expect(Buffer.concat(await body.toArray()).toString()).toBe('bytes');
  });
});

describe('a request that comes', () => {
  const refused = async (request: Partial<FederationRequest> = {}) => {
    handle = toApp;
    const error = await agent.request(asked(request)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RemoteRefusal);
    return { status: (error as RemoteRefusal).status, errcode: (error as RemoteRefusal).errcode };
  };

  it('of nobody is refused', async () => {
    handle = toApp;
    const { origin: _, ...unsigned } = asked();
    await expect(agent.requestUnsigned(unsigned)).rejects.toMatchObject({ status: 401, errcode: 'M_UNAUTHORIZED' });
  });

  it('signed with a key that is unknown, over or wrong is refused', async () => {
    const known = { keyId: key.keyId, publicKey: Buffer.from(key.publicKey), validUntilTs: Date.now() + 60_000 };
    const wrong = Buffer.from(generateSigningKey('a_1').publicKey);
    const rings = [
      [],
      [{ ...known, keyId: 'ed25519:b' }],
      [{ ...known, validUntilTs: Date.now() - 1 }],
      [{ keyId: key.keyId, publicKey: known.publicKey, expiredTs: Date.now() + 60_000 }],
      [{ ...known, publicKey: wrong }],
    ];
    for (const keys of rings) {
      keysOf = async ({ wanted }) => ({ servers: wanted.map(({ serverName }) => ({ serverName, keys })) });
      expect(await refused()).toEqual({ status: 401, errcode: 'M_UNAUTHORIZED' });
    }
  });

  it('for another server is refused', async () => {
    handle = (request, response) => {
      request.headers.authorization = request.headers.authorization?.replace(destination, 'third.example');
      toApp(request, response);
    };
    await expect(agent.request(asked())).rejects.toMatchObject({ status: 401, errcode: 'M_UNAUTHORIZED' });
  });

  it('that was changed on its way is refused', async () => {
    handle = (request, response) => {
      request.url = `${request.url}&b=1`;
      toApp(request, response);
    };
    await expect(agent.request(asked())).rejects.toMatchObject({ status: 401, errcode: 'M_UNAUTHORIZED' });
  });

  it('of a server that the operator denies, or of ourselves, is refused', async () => {
    for (const [origin, status] of [
      ['denied.example', 403],
      ['also.example', 401],
    ] as const) {
      const other = new FederationAgent({
        config: federationConfig({ allowed_networks: ['127.0.0.0/8'], trusted_ca_file: files.ca }),
        signingKeys: new Map([[origin, key]]),
        lookup: (_, __, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
      });
      handle = toApp;
      await expect(other.request(asked({ origin }))).rejects.toMatchObject({ status });
      await other.close();
    }
  });
});
