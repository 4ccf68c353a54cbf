import { AuthGraph, answerFrom, stateTuple } from '../../src/index.js';
import { graphOf, stateSet } from './graph.js';

const NODES = { $create: { type: 'm.room.create' }, a: [], b: ['a'], c: ['b', 'gone'], d: ['a'] };

/** Counts how often somebody goes on from an event to those that authorise it. */
class CountingGraph extends AuthGraph {
  steps = 0;

  override authEvents(node: number): readonly number[] {
    this.steps += 1;
    return super.authEvents(node);
  }
}

describe('what is answered from events that can be looked up', () => {
  const graph = new CountingGraph(graphOf(NODES, '!create'));
  const shared = stateSet('k=b');
  const answers = answerFrom(graph, shared);

  it('is what authorises events', () => {
    expect(answers.authEvents(['c', 'a', 'gone'])).toEqual(
      new Map([
        ['c', ['b', 'gone']],
        ['a', []],
        ['gone', []],
      ]),
    );
  });

  it('is events, but for those that are not known', () => {
    expect([...answers.events(['a', 'gone', 'd'])].map(([id, event]) => [id, event.eventId])).toEqual([
      ['a', 'a'],
      ['d', 'd'],
    ]);
  });

  it('is what is in the chain of what all state sets share, which is walked when it is first asked about', () => {
    const counted = new CountingGraph(graphOf(NODES));
    const answer = answerFrom(counted, shared);
    expect(counted.steps).toBe(0);
    expect(answer.inEveryChain(['a', 'b', 'c', 'd'])).toEqual(new Set(['a', 'b']));
    expect(answer.inEveryChain(['a'])).toEqual(new Set(['a']));
    expect(counted.steps).toBe(2);
  });

  it('is any event that may lead to a conflict', () => {
    expect(answers.leadingTo(new Set(['a']), ['b', 'c'])).toEqual(new Set(['b', 'c']));
  });

  it('is what all state sets share', () => {
    expect(answers.shared([stateTuple('x', 'k')]).get(stateTuple('x', 'k'))).toBe('b');
  });

  it('is the m.room.create event that a room id stands for', () => {
    expect(answers.create('!create')?.eventId).toBe('$create');
    expect(answers.create('!other')).toBeUndefined();
  });
});
