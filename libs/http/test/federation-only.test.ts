import { Controller, Get } from '@nestjs/common';
import type { HttpApp } from '../src/index.js';
import { testApp } from './support/test-app.js';

@Controller()
class Everything {
  @Get(['_matrix/federation/v1/version', '_matrix/key/v2/server', '.well-known/matrix/server'])
  ofServers() {
    return { of: 'servers' };
  }

  @Get(['_matrix/client/versions', '_synapse/admin/v1/register', '_matrix/federationX'])
  ofClients() {
    return { of: 'clients' };
  }
}

let app: HttpApp;
let forAll: string;
let forServers: string;
beforeAll(async () => {
  app = await testApp([Everything], { federationListeners: [{ host: '127.0.0.1', port: 0 }] });
  [forAll = '', forServers = ''] = await app.listen();
});
afterAll(() => app.drain());

async function get(url: string, path: string, method = 'GET') {
  const answer = await fetch(`${url}${path}`, { method });
  return { status: answer.status, body: method === 'HEAD' ? undefined : await answer.json() };
}

it.each(['/_matrix/federation/v1/version', '/_matrix/key/v2/server', '/.well-known/matrix/server?x=1'])(
  'other servers reach %s on their own listener, and on that of all',
  async (path) => {
    for (const url of [forAll, forServers])
      expect(await get(url, path)).toEqual({ status: 200, body: { of: 'servers' } });
  },
);

it.each([
  '/_matrix/client/versions',
  '/_synapse/admin/v1/register',
  '/_matrix/federationX',
  '/_matrix/federation/../client/versions',
  '/_matrix/federation/%2e%2e/client/versions',
  '//_matrix/client/versions',
])('nobody reaches %s on the listener of other servers', async (path) => {
  expect(await get(forServers, path)).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
});

it('says there what is unknown, and which method would have been right', async () => {
  const unknown = await get(forServers, '/_matrix/federation/v9/nothing');
  expect(unknown).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
  const wrongMethod = await get(forServers, '/_matrix/federation/v1/version', 'DELETE');
  expect(wrongMethod).toMatchObject({ status: 405, body: { errcode: 'M_UNRECOGNIZED' } });
});
