import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority } from '../../testing/src/certificates.js';
import { eventually } from '../../testing/src/eventually.js';
import { dnsEndpoints, RpcUnavailableError, type TlsFiles } from '../src/index.js';
import { Fixture, targetOf } from './support.js';

let fixture: Fixture;
let house: Authority;
let stranger: Authority;

beforeAll(async () => {
  house = await Authority.create('house');
  stranger = await Authority.create('stranger');
});
afterAll(() => {
  house.end();
  stranger.end();
});
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.end());

async function serve(tls?: TlsFiles): Promise<string> {
  let calls = 0;
  return targetOf(await fixture.serve(async () => ({ text: `call ${++calls}` }), tls ? { tls } : {}));
}

describe('mutual TLS', () => {
  it('lets those in who show a certificate of the common authority', async () => {
    const target = await serve(await house.issue('127.0.0.1'));
    const client = fixture.client([target], { tls: await house.issue('client') });
    await expect(client.post({ text: 'x' })).resolves.toEqual({ text: 'call 1' });
  });

  it('knows a replica found by DNS by the name that was looked up', async () => {
    const target = await serve(await house.issue('rooms.internal'));
    const port = target.split(':')[1];
    const tls = await house.issue('client');
    const lookup = async () => ['127.0.0.1'];
    const client = fixture.client([], { resolver: dnsEndpoints(`rooms.internal:${port}`, { lookup }), tls });
    await expect(client.post({ text: 'x' })).resolves.toEqual({ text: 'call 1' });
    const other = fixture.client([], { resolver: dnsEndpoints(`users.internal:${port}`, { lookup }), tls, retries: 0 });
    await expect(other.post({ text: 'x' })).rejects.toBeInstanceOf(RpcUnavailableError);
  });

  const strangers: [string, () => Promise<TlsFiles | undefined>][] = [
    ['a client without TLS', async () => undefined],
    ['a client with a certificate of another authority', () => stranger.issue('client', house)],
    [
      'a client that does not trust the server',
      async () => ({ ...(await house.issue('client')), ca: (await stranger.issue('x')).ca }),
    ],
  ];

  it.each(strangers)('refuses %s', async (_, files) => {
    const target = await serve(await house.issue('127.0.0.1'));
    const tls = await files();
    const client = fixture.client([target], { retries: 1, ...(tls && { tls }) });
    await expect(client.post({ text: 'x' })).rejects.toBeInstanceOf(RpcUnavailableError);
    const friend = fixture.client([target], { tls: await house.issue('friend') });
    await expect(friend.post({ text: 'x' })).resolves.toEqual({ text: 'call 1' });
  });

  it('refuses a server that has another name, and one without TLS', async () => {
    const tls = await house.issue('client');
    for (const target of [await serve(await house.issue('elsewhere')), await serve()]) {
      const client = fixture.client([target], { tls, retries: 0 });
      await expect(client.post({ text: 'x' })).rejects.toBeInstanceOf(RpcUnavailableError);
    }
  });

  it('goes on with the certificates of another authority once both sides have them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ganglion-renewed-'));
    const installed = (name: string) => ({
      ca: join(folder, `${name}-ca`),
      cert: join(folder, name),
      key: join(folder, `${name}-key`),
    });
    const install = async (authority: Authority, name: string) => {
      const [from, to] = [await authority.issue(name), installed(name)];
      for (const file of ['ca', 'cert', 'key'] as const) copyFileSync(from[file], to[file]);
      return to;
    };
    const target = await serve(await install(house, '127.0.0.1'));
    const tls = await install(house, 'client');
    const early = fixture.client([target], { tls });
    await expect(early.post({ text: 'x' })).resolves.toEqual({ text: 'call 1' });
    await install(stranger, '127.0.0.1');
    await install(stranger, 'client');
    // What is connected stays connected; who comes now shows and expects what is there now.
    const newcomer = { tls: await stranger.issue('newcomer') };
    await eventually(() => fixture.client([target], newcomer).post({ text: 'x' }), 25_000);
    const outsider = fixture.client([target], { tls: await house.issue('outsider'), retries: 0 });
    await expect(outsider.post({ text: 'x' })).rejects.toBeInstanceOf(RpcUnavailableError);
    await expect(early.post({ text: 'x' })).resolves.toEqual({ text: 'call 3' });
    rmSync(folder, { recursive: true });
  }, 60_000);

  it('says which file is missing', async () => {
    const tls = { ca: '/nowhere/ca.pem', cert: '/nowhere/cert.pem', key: '/nowhere/key.pem' };
    await expect(serve(tls)).rejects.toThrow('/nowhere/ca.pem');
  });
});
