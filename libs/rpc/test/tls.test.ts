import { dnsEndpoints, RpcUnavailableError, type TlsFiles } from '../src/index.js';
import { Authority } from './certificates.js';
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

  it('says which file is missing', async () => {
    const tls = { ca: '/nowhere/ca.pem', cert: '/nowhere/cert.pem', key: '/nowhere/key.pem' };
    await expect(serve(tls)).rejects.toThrow('/nowhere/ca.pem');
  });
});
