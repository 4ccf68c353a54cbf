import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, dnsEndpoints, parseEndpoints, RpcUnavailableError, staticEndpoints } from '../src/index.js';
import { Fixture } from './support.js';

describe('endpoints in the configuration', () => {
  it('are replicas one by one', () => {
    const resolver = parseEndpoints(['a:1', '127.0.0.1:2', '[::1]:3']);
    expect(resolver.addresses.map(({ target }) => target)).toEqual(['a:1', '127.0.0.1:2', '[::1]:3']);
  });

  it('are one name for all', async () => {
    const resolver = parseEndpoints(['dns:localhost:7100']);
    const addresses = await new Promise<readonly Address[]>((resolve) => resolver.subscribe(resolve));
    expect(addresses).toContainEqual({ target: '127.0.0.1:7100', serverName: 'localhost' });
    resolver.close();
    expect(parseEndpoints(['dns:///localhost:7100']).addresses).toEqual([]);
  });

  const wrong: [string, string[], string][] = [
    ['none', [], 'at least one endpoint'],
    ['no port', ['host'], '"host" is no endpoint'],
    ['a url', ['http://host:1'], '"http://host:1" is no endpoint'],
    ['a name without port', ['dns:host'], '"host" is no endpoint'],
    ['a mixture', ['a:1', 'dns:b:2'], 'must be the only one'],
  ];

  it.each(wrong)('are refused when wrong: %s', (_, entries, words) => {
    expect(() => parseEndpoints(entries)).toThrow(words);
  });
});

describe('a name behind which replicas come and go', () => {
  let hosts: string[] | Error;
  let lookups: number;
  const lookup = async () => {
    lookups++;
    if (hosts instanceof Error) throw hosts;
    return hosts;
  };

  beforeEach(() => {
    hosts = ['10.0.0.2', '10.0.0.1', '10.0.0.2'];
    lookups = 0;
  });

  it('is looked up again and again; changes are told, and nothing else', async () => {
    const told: string[][] = [];
    const resolver = dnsEndpoints('rooms:7100', { intervalMs: 20, lookup });
    const stop = resolver.subscribe((addresses) => told.push(addresses.map(({ target }) => target)));
    while (lookups < 4) await sleep(5);
    hosts = ['10.0.0.1', 'fd00::5'];
    while (told.length < 2) await sleep(5);
    stop();
    const after = lookups;
    await sleep(100);
    expect(told).toEqual([
      ['10.0.0.1:7100', '10.0.0.2:7100'],
      ['10.0.0.1:7100', '[fd00::5]:7100'],
    ]);
    expect(lookups).toBe(after);
  });

  it('keeps its replicas while it cannot be looked up', async () => {
    const resolver = dnsEndpoints('rooms:7100', { intervalMs: 10, lookup });
    const stop = resolver.subscribe(() => {});
    while (lookups < 2) await sleep(5);
    hosts = new Error('SERVFAIL');
    while (lookups < 5) await sleep(5);
    hosts = [];
    while (lookups < 8) await sleep(5);
    expect(resolver.addresses).toHaveLength(2);
    stop();
  });

  it('is looked up soon, but not all the time, when a replica cannot be reached', async () => {
    const resolver = dnsEndpoints('rooms:7100', { intervalMs: 60_000, lookup });
    const stop = resolver.subscribe(() => {});
    while (lookups < 1) await sleep(5);
    const start = performance.now();
    while (lookups < 3) {
      resolver.refresh();
      await sleep(5);
    }
    expect(performance.now() - start).toBeGreaterThan(900);
    expect(performance.now() - start).toBeLessThan(5_000);
    stop();
  });
});

describe('a client of such a name', () => {
  let fixture: Fixture;

  beforeEach(() => {
    fixture = new Fixture();
  });
  afterEach(() => fixture.end());

  it('uses new replicas, leaves old ones and lets calls there finish', async () => {
    const options = (listen: string) => ({ listen });
    const serve =
      (name: string) =>
      async ({ ms = 0 }) => {
        await sleep(ms);
        return { text: name };
      };
    const first = await fixture.serve(serve('first'), options('127.0.0.1:0'));
    await fixture.serve(serve('second'), options(`127.0.0.2:${first.port}`));
    let hosts = ['127.0.0.1'];
    const resolver = dnsEndpoints(`rooms:${first.port}`, { intervalMs: 20, lookup: async () => hosts });
    const client = fixture.client([], { resolver });
    expect(await client.post({ text: 'x' })).toEqual({ text: 'first' });
    const running = client.post({ text: 'x', ms: 500 });
    await sleep(50);
    hosts = ['127.0.0.2'];
    await sleep(200);
    expect(await client.post({ text: 'x' })).toEqual({ text: 'second' });
    expect(await running).toEqual({ text: 'first' });
  });

  it('waits a little for the first answer of the name server', async () => {
    const server = await fixture.serve(async () => ({ text: 'found' }));
    const lookup = () => sleep(100, ['127.0.0.1']);
    const client = fixture.client([], { resolver: dnsEndpoints(`rooms:${server.port}`, { lookup }) });
    expect(await client.post({ text: 'x' })).toEqual({ text: 'found' });
  });

  it('says that nobody is known', async () => {
    const lookup = async () => [];
    const client = fixture.client([], { resolver: dnsEndpoints('rooms:1', { lookup }), retries: 1 });
    const call = client.read({ text: 'x' });
    await expect(call).rejects.toBeInstanceOf(RpcUnavailableError);
    await expect(call).rejects.toThrow('no known replica');
  });

  it('keeps its connections to static endpoints when it is refreshed', async () => {
    const server = await fixture.serve(async () => ({ text: 'still here' }));
    const resolver = staticEndpoints([`127.0.0.1:${server.port}`]);
    const client = fixture.client([], { resolver });
    resolver.refresh();
    resolver.close();
    expect(await client.post({ text: 'x' })).toEqual({ text: 'still here' });
  });
});
