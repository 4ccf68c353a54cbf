import type { OutgoingAnswer } from '@ganglion/outgoing';
import { jest } from '@jest/globals';
import { inOrder } from '../src/server-location.js';
import { ServerResolver } from '../src/server-resolver.js';

const record = (name: string, port: number, priority = 10, weight = 5) => ({ name, port, priority, weight });

interface World {
  /** What .well-known says, by host: the value of m.server, or a whole answer. */
  wellKnown?: Record<string, string | Partial<OutgoingAnswer>>;
  records?: Record<string, ReturnType<typeof record>[]>;
}

function resolverIn({ wellKnown = {}, records = {} }: World) {
  const asked: string[] = [];
  const outgoing = {
    async request({ url }: { url: string | URL }): Promise<OutgoingAnswer> {
      const { host, pathname } = new URL(url);
      asked.push(`${host}${pathname}`);
      const said = wellKnown[host];
      if (said === undefined) throw new Error('nobody there');
      const usual = { url: new URL(url), status: 200, headers: {} };
      if (typeof said !== 'string') return { ...usual, body: Buffer.from('{"m.server":"d.example:1"}'), ...said };
      return { ...usual, body: Buffer.from(JSON.stringify({ 'm.server': said })) };
    },
  };
  const find = async (name: string) => {
    asked.push(name);
    return records[name] ?? [];
  };
  return { asked, resolver: new ServerResolver(outgoing, find) };
}

const cases: [string, string, World, object[]][] = [
  ['an address', '192.0.2.1', {}, [{ host: '192.0.2.1', port: 8448, hostHeader: '192.0.2.1' }]],
  ['an address with a port', '192.0.2.1:99', {}, [{ host: '192.0.2.1', port: 99, hostHeader: '192.0.2.1:99' }]],
  ['IPv6', '[2001:db8::1]', {}, [{ host: '[2001:db8::1]', port: 8448, hostHeader: '[2001:db8::1]' }]],
  ['IPv6 with a port', '[2001:db8::1]:99', {}, [{ host: '[2001:db8::1]', port: 99, hostHeader: '[2001:db8::1]:99' }]],
  [
    'a name with a port, whatever else is said of it',
    'a.example:99',
    { wellKnown: { 'a.example': 'd.example:1' }, records: { '_matrix-fed._tcp.a.example': [record('x.example', 1)] } },
    [{ host: 'a.example', port: 99, hostHeader: 'a.example:99' }],
  ],
  [
    'a name that delegates to an address',
    'a.example',
    { wellKnown: { 'a.example': '192.0.2.1' } },
    [{ host: '192.0.2.1', port: 8448, hostHeader: '192.0.2.1' }],
  ],
  [
    'a name that delegates to a name with a port',
    'a.example',
    { wellKnown: { 'a.example': 'd.example:443' } },
    [{ host: 'd.example', port: 443, hostHeader: 'd.example:443' }],
  ],
  [
    'a name that delegates to one with service records',
    'a.example',
    {
      wellKnown: { 'a.example': 'd.example' },
      records: {
        '_matrix-fed._tcp.d.example': [record('second.example', 2, 20), record('first.example', 1, 10)],
        '_matrix._tcp.d.example': [record('old.example', 3)],
      },
    },
    [
      { host: 'first.example', port: 1, hostHeader: 'd.example' },
      { host: 'second.example', port: 2, hostHeader: 'd.example' },
    ],
  ],
  [
    'a name that delegates to one with an old service record',
    'a.example',
    { wellKnown: { 'a.example': 'd.example' }, records: { '_matrix._tcp.d.example': [record('old.example', 3)] } },
    [{ host: 'old.example', port: 3, hostHeader: 'd.example' }],
  ],
  [
    'a name that delegates to one without',
    'a.example',
    { wellKnown: { 'a.example': 'd.example' } },
    [{ host: 'd.example', port: 8448, hostHeader: 'd.example' }],
  ],
  [
    'a name with a service record',
    'a.example',
    { records: { '_matrix-fed._tcp.a.example': [record('x.example', 7)] } },
    [{ host: 'x.example', port: 7, hostHeader: 'a.example' }],
  ],
  [
    'a name with an old service record',
    'a.example',
    { records: { '_matrix._tcp.a.example': [record('x.example', 7)] } },
    [{ host: 'x.example', port: 7, hostHeader: 'a.example' }],
  ],
  ['a name of which nothing is said', 'a.example', {}, [{ host: 'a.example', port: 8448, hostHeader: 'a.example' }]],
];

it.each(cases)('%s', async (_, name, world, expected) => {
  expect(await resolverIn(world).resolver.resolve(name)).toEqual(expected);
});

it.each<[string, Partial<OutgoingAnswer>]>([
  ['is not found', { status: 404 }],
  ['is HTML', { body: Buffer.from('<html>') }],
  ['is no object', { body: Buffer.from('null') }],
  ['names nobody', { body: Buffer.from('{}') }],
  ['names something else', { body: Buffer.from('{"m.server":"https://d.example/"}') }],
  ['names a number', { body: Buffer.from('{"m.server":7}') }],
])('an answer that %s counts as none', async (_, answer) => {
  const { resolver } = resolverIn({ wellKnown: { 'a.example': answer } });
  expect(await resolver.resolve('a.example')).toEqual([{ host: 'a.example', port: 8448, hostHeader: 'a.example' }]);
});

describe('what was found', () => {
  const HOUR = 3_600_000;
  let clock: ReturnType<typeof jest.spyOn>;
  let now = 1_700_000_000_000;
  beforeEach(() => {
    clock = jest.spyOn(Date, 'now').mockImplementation(() => now) as never;
  });
  afterEach(() => clock.mockRestore());

  async function askedAgainAfter(world: World, ms: number): Promise<boolean> {
    const { asked, resolver } = resolverIn(world);
    await resolver.resolve('a.example');
    now += ms;
    await resolver.resolve('a.example');
    return asked.filter((what) => what === 'a.example/.well-known/matrix/server').length === 2;
  }

  it.each<[string, Record<string, string>, number]>([
    ['a day when nothing is said', {}, 24 * HOUR],
    ['as long as is said', { 'cache-control': 'public, max-age=7200' }, 2 * HOUR],
    ['two days at most', { 'cache-control': 'max-age=99999999' }, 48 * HOUR],
    ['five minutes at least', { 'cache-control': 'max-age=0' }, 300_000],
    ['five minutes when it should not be kept', { 'cache-control': 'no-store' }, 300_000],
  ])('holds for %s', async (_, headers, ms) => {
    const world = { wellKnown: { 'a.example': { headers } } };
    expect(await askedAgainAfter(world, ms - 1_000)).toBe(false);
    expect(await askedAgainAfter(world, ms + 1_000)).toBe(true);
  });

  it('who does not answer is asked less and less, and at least every hour', async () => {
    const { asked, resolver } = resolverIn({});
    const waits: number[] = [];
    for (let minutes = 0, last = 0; minutes < 400; minutes++, now += 60_000) {
      const before = asked.length;
      await resolver.resolve('a.example');
      if (asked.slice(before).includes('a.example/.well-known/matrix/server')) {
        waits.push(minutes - last);
        last = minutes;
      }
    }
    expect(waits.slice(0, 9)).toEqual([0, 1, 2, 4, 8, 16, 32, 60, 60]);
  });

  it('is asked for once by many who wait for it', async () => {
    const { asked, resolver } = resolverIn({ wellKnown: { 'a.example': 'd.example:1' } });
    await Promise.all(Array.from({ length: 20 }, () => resolver.resolve('a.example')));
    expect(asked).toEqual(['a.example/.well-known/matrix/server']);
  });
});

it('among records of one priority chance decides by their weights', () => {
  const records = [
    record('heavy.example', 1, 1, 90),
    record('light.example', 1, 1, 10),
    record('zero.example', 1, 1, 0),
  ];
  const first = Array.from({ length: 2_000 }, (_, i) => {
    const lots = [0.1 + ((i * 7919) % 1000) / 1200, 0.1 + ((i * 104_729) % 1000) / 1200, 0.5];
    return inOrder(records, () => lots.shift() ?? 0)[0]?.name;
  });
  const share = (name: string) => first.filter((chosen) => chosen === name).length / first.length;
  expect(share('heavy.example')).toBeGreaterThan(0.8);
  expect(share('light.example')).toBeGreaterThan(0.02);
  expect(share('zero.example')).toBe(0);
});
