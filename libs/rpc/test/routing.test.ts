import { hash, weight } from '../src/rendezvous.js';
import { Fixture, targetOf } from './support.js';

const nodes = ['10.0.0.1:7100', '10.0.0.2:7100', '10.0.0.3:7100', '10.0.0.4:7100'];
const keys = Array.from({ length: 8_000 }, (_, n) => `!room${n}:example.org`);

function home(key: string, among: readonly string[]): string {
  const wanted = among.map((node) => ({ node, weight: weight(hash(key), hash(node)) }));
  return wanted.reduce((best, each) => (each.weight > best.weight ? each : best)).node;
}

describe('rendezvous hashing', () => {
  it('spreads keys evenly', () => {
    const counts = new Map(nodes.map((node) => [node, 0]));
    for (const key of keys) counts.set(home(key, nodes), (counts.get(home(key, nodes)) ?? 0) + 1);
    for (const count of counts.values()) expect(Math.abs(count - 2_000)).toBeLessThan(200);
  });

  it('moves only the keys of a node that goes away, evenly over the others', () => {
    const left = nodes.slice(1);
    const moved = keys.filter((key) => home(key, nodes) === nodes[0]);
    for (const key of keys) if (home(key, nodes) !== nodes[0]) expect(home(key, left)).toBe(home(key, nodes));
    for (const node of left) {
      const got = moved.filter((key) => home(key, left) === node).length;
      expect(Math.abs(got - moved.length / 3)).toBeLessThan(moved.length / 10);
    }
  });

  it('does not depend on the order of the nodes', () => {
    const reversed = [...nodes].reverse();
    for (const key of keys.slice(0, 500)) expect(home(key, reversed)).toBe(home(key, nodes));
  });

  it('never changes: neighbouring releases must agree', () => {
    expect([hash(''), hash('!a:hs'), weight(hash('!a:hs'), hash('10.0.0.1:7100'))]).toEqual([
      2872998923, 3693325981, 2699335543,
    ]);
  });
});

describe('calls', () => {
  let fixture: Fixture;
  const serveThree = async () => {
    const names = ['a', 'b', 'c'];
    return Promise.all(names.map((text) => fixture.serve(async () => ({ text })).then(targetOf)));
  };

  beforeEach(() => {
    fixture = new Fixture();
  });
  afterEach(() => fixture.end());

  it('about one room go to one replica, from whatever client, in whatever order it knows the replicas', async () => {
    const targets = await serveThree();
    const routingKey = (_: string, request: Record<string, unknown>) => request.roomId as string;
    const first = fixture.client(targets, { routingKey });
    const second = fixture.client([...targets].reverse(), { routingKey });
    const used = new Set<string>();
    for (let n = 0; n < 60; n++) {
      const [one, other] = await Promise.all(
        [first, second, first].map((client) => client.post({ text: 'x', roomId: `!${n}` })),
      );
      expect(one).toEqual(other);
      used.add(one?.text ?? '');
    }
    expect(used.size).toBe(3);
  });

  it('without a key take turns', async () => {
    const client = fixture.client(await serveThree(), { routingKey: () => undefined });
    const answers: string[] = [];
    await client.post({ text: 'x' });
    for (let n = 0; n < 9; n++) answers.push((await client.post({ text: 'x' })).text);
    for (const name of ['a', 'b', 'c']) expect(answers.filter((answer) => answer === name)).toHaveLength(3);
  });

  it('know the method and the request they are routed by', async () => {
    const seen: unknown[] = [];
    const routingKey = (method: string, request: Record<string, unknown>) => {
      seen.push([method, request]);
      return undefined;
    };
    await fixture.client(await serveThree(), { routingKey }).put({ text: 'x' });
    expect(seen).toEqual([['put', { text: 'x' }]]);
  });
});
