import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CALLED_SERVICES, parseConfig, SERVICE_NAMES, type ServiceName } from '@ganglion/config';
import { createHttpApp } from '@ganglion/http';
import { loadRouteTable, routeTable, type TestDatabase, testDatabase } from '@ganglion/testing';
import { composeServices } from '../src/composition/compose-services.js';
import { layFoundation } from '../src/composition/foundation.js';
import { RemoteServices } from '../src/composition/remote-services.js';
import { makeMissingSigningKeys } from '../src/signing-key-file.js';

const ENDPOINTS = CALLED_SERVICES.map((service) => `${service}: ["127.0.0.1:1"]`).join(', ');
const table = loadRouteTable();

describe('the table of routes', () => {
  let database: TestDatabase;
  const folder = mkdtempSync(join(tmpdir(), 'ganglion-routes-'));
  const answered = new Map<ServiceName, string[]>();

  beforeAll(async () => {
    database = await testDatabase();
    for (const service of SERVICE_NAMES) answered.set(service, await pathsOf(service, database.url, folder));
  });

  afterAll(async () => {
    await database?.drop();
    rmSync(folder, { recursive: true });
  });

  it.each(SERVICE_NAMES)('sends every path that %s answers to it', (service) => {
    const astray = answered.get(service)?.filter((path) => table.serviceOf(example(path)) !== service);
    expect(astray).toEqual([]);
  });

  it('has no path that its service answers nothing below', () => {
    const answeredBy = (service: ServiceName, path: string) =>
      answered.get(service)?.some((known) => table.routeOf(example(known))?.path === path);
    const idle = table.routes.filter(({ path, service }) => !answeredBy(service, path));
    expect(idle).toEqual([]);
  });

  it('sends what nobody answers to the service that says so', () => {
    expect(table.serviceOf('/nothing/here')).toBe('client-api');
    expect(table.serviceOf('/')).toBe('client-api');
  });
});

describe('a table of routes', () => {
  const { serviceOf } = routeTable({
    default: 'client-api',
    paths: {
      'client-api': ['/a'],
      sync: ['/a/*/c', '/a/b/d'],
      push: ['/a/*/c/d', '/a/*/d'],
    },
  });

  it.each([
    ['/a', 'client-api'],
    ['/a?b=/a/x/c', 'client-api'],
    ['/ab', 'client-api'],
    ['/a/x/c', 'sync'],
    ['/a/x/c?from=1', 'sync'],
    ['/a/%2Fx/c/', 'sync'],
    ['/a/x/cd', 'client-api'],
    ['/a//c', 'client-api'],
    ['/a/x/c/d/e', 'push'],
    ['/a/x/d', 'push'],
    ['/a/b/d', 'sync'],
  ])('sends %s to %s', (path, service) => expect(serviceOf(path)).toBe(service));

  it('refuses a path that stands in it twice, and a service that there is none of', () => {
    expect(() => routeTable({ default: 'sync', paths: { sync: ['/a'], push: ['/a'] } })).toThrow('/a is in');
    expect(() => routeTable({ default: 'sink', paths: {} })).toThrow('sink, which is no service');
  });
});

/** The paths that a process with one service in it answers, apart from its health. */
async function pathsOf(service: ServiceName, databaseUrl: string, folder: string): Promise<string[]> {
  const config = parseConfig(
    `{server_names: [{name: example.org}], database: {url: "${databaseUrl}"}, rpc: {endpoints: {${ENDPOINTS}}}, telemetry: {log: {level: silent}}}`,
    folder,
  );
  await makeMissingSigningKeys(config.server_names);
  const foundation = await layFoundation(config, [service]);
  const remote = new RemoteServices(config, foundation.metrics);
  const tokens = { verify: () => Promise.reject(new Error('nobody asks')) };
  try {
    const { modules } = await composeServices(foundation, [service], remote);
    const { http } = config;
    const app = await createHttpApp(modules, { ...foundation, config: http, tokens, health: {} });
    await app.drain();
    return [...app.routes.keys()].filter((path) => path !== '/health');
  } finally {
    await remote.close();
    await foundation.close();
  }
}

/** A path with something in the place of each parameter. */
function example(path: string): string {
  return path.replaceAll(/:\w+/g, 'x');
}
