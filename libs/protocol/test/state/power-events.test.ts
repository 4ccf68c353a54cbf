import { AuthGraph, powerEventsAndChains } from '../../src/index.js';
import { graphOf, type Node } from './graph.js';

function selected(nodes: Record<string, readonly string[] | Node>, conflicted = Object.keys(nodes).join(' ')): string {
  return [...powerEventsAndChains(new Set(conflicted.split(' ')), new AuthGraph(graphOf(nodes)))].sort().join(' ');
}

const member = (membership: unknown, more: Node = {}): Node => ({
  type: 'm.room.member',
  sender: '@a:a',
  state_key: '@b:b',
  content: { membership: membership as string },
  ...more,
});

describe('power events', () => {
  it.each<[string, Node]>([
    ['power levels', { type: 'm.room.power_levels' }],
    ['join rules', { type: 'm.room.join_rules' }],
    ['a kick', member('leave')],
    ['a ban', member('ban')],
  ])('are %s', (_title, node) => {
    expect(selected({ it: node })).toBe('it');
  });

  it.each<[string, Node]>([
    ['power levels with a state key', { type: 'm.room.power_levels', state_key: '@a:a' }],
    ['join rules with a state key', { type: 'm.room.join_rules', state_key: 'x' }],
    ['power levels that are a message', { type: 'm.room.power_levels', state_key: null }],
    ['m.room.create', { type: 'm.room.create' }],
    ['a join', member('join', { state_key: '@a:a' })],
    ['an invite', member('invite')],
    ['a knock', member('knock')],
    ['a leave', member('leave', { state_key: '@a:a' })],
    ['a ban of oneself', member('ban', { state_key: '@a:a' })],
    ['a kick that is a message', member('leave', { state_key: null })],
    ['a membership of no kind', member(1)],
    ['anything else that speaks of a ban', member('ban', { type: 'm.room.topic' })],
  ])('are not %s', (_title, node) => {
    expect(selected({ it: node })).toBe('');
  });

  it('are not what is not known', () => {
    expect(selected({ kick: member('leave') }, 'gone kick')).toBe('kick');
  });
});

describe('what authorises power events', () => {
  const CHAIN = {
    create: { type: 'm.room.create' },
    join: { ...member('join', { state_key: '@a:a' }), auth: ['create'] },
    levels: { type: 'm.room.power_levels', auth: ['create', 'join'] },
    ban: { ...member('ban'), auth: ['create', 'join', 'levels'] },
    topic: { auth: ['create', 'join', 'levels'] },
  };

  it('is selected to the end of its chain, unlike what it authorises', () => {
    expect(selected(CHAIN)).toBe('ban create join levels');
    expect(selected(CHAIN, 'topic join create')).toBe('');
  });

  it('is selected as far as it is in conflict', () => {
    expect(selected(CHAIN, 'ban join topic')).toBe('ban join');
    expect(selected(CHAIN, 'ban create topic')).toBe('ban create');
  });

  it('is not looked for beyond an event that is not in conflict', () => {
    const line = { ...CHAIN, ban: { ...member('ban'), auth: ['topic'] } };
    expect(selected(line, 'ban join')).toBe('ban');
    expect(selected(line, 'ban topic join')).toBe('ban join topic');
  });

  it('is selected once where events authorise each other', () => {
    expect(selected({ a: { ...member('ban'), auth: ['b'] }, b: { auth: ['c'] }, c: { auth: ['a'] } })).toBe('a b c');
  });
});
