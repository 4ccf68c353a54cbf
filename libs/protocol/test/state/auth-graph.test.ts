import { AuthGraph } from '../../src/index.js';
import { authDifferenceOf, graphOf, stateSet } from './graph.js';

describe('the graph of auth events', () => {
  const small = { a: [], b: ['a'], c: ['a', 'b'], d: ['gone'] };
  const reached = (from: string) => {
    const graph = new AuthGraph(graphOf(small));
    const nodes = graph.walk(from.split(' ').map((eventId) => graph.node(eventId)));
    return nodes.map((node) => graph.id(node)).join(' ');
  };

  it.each([
    ['b', 'b a'],
    ['c', 'c a b'],
    ['b b', 'b a'],
    ['a c', 'a c b'],
    ['d', 'd gone'],
    ['gone', 'gone'],
  ])('is walked from %s to %s', (from, expected) => {
    expect(reached(from)).toBe(expected);
  });

  const SIZE = 5000;
  const ladder = Object.fromEntries(
    Array.from({ length: SIZE }, (_, rung) => [
      `e${rung}`,
      [...new Set([rung - 1, rung - 2, 0])].filter((below) => below >= 0 && below < rung).map((below) => `e${below}`),
    ]),
  );

  it('is walked over each event once, however many ways lead to it and however many events there are', () => {
    const graph = new AuthGraph(graphOf(ladder));
    const nodes = graph.walk([graph.node(`e${SIZE - 1}`)]);
    expect(nodes).toHaveLength(SIZE);
    expect(new Set(nodes).size).toBe(SIZE);
  });

  it('looks an event up once, whether it is known or not', () => {
    const asked: string[] = [];
    const lookup = graphOf(small);
    const graph = new AuthGraph({
      event: (id) => {
        asked.push(id);
        return lookup.event(id);
      },
    });
    for (const id of ['a', 'gone', 'a', 'gone']) graph.eventOf(id);
    expect(asked).toEqual(['a', 'gone']);
  });

  it('keeps apart what was seen from two ends', () => {
    const difference = authDifferenceOf(
      [stateSet(`k=e${SIZE - 1} l=e0`), stateSet('k=e1500 l=e0')],
      new AuthGraph(graphOf(ladder)),
    );
    expect(difference.size).toBe(SIZE - 1501);
    expect(difference.has('e1500')).toBe(false);
    expect(difference.has('e1501')).toBe(true);
  });
});
