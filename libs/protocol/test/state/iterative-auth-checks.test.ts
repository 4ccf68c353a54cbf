import { AuthGraph, iterativeAuthChecks, type JsonObject, roomVersionRules, stateTuple } from '../../src/index.js';
import { graphOf, type Node } from './graph.js';

const V11 = roomVersionRules('11')!;
const V12 = roomVersionRules('12')!;

const create: Node = { type: 'm.room.create', sender: '@a:a' };
const member = (user: string, membership: string, auth: string[] = ['create'], extra: JsonObject = {}): Node => ({
  type: 'm.room.member',
  sender: user,
  state_key: user,
  content: { membership, ...extra },
  auth,
});
const joinRules = (rule: string): Node => ({ type: 'm.room.join_rules', content: { join_rule: rule } });
const topic = (auth: string[]): Node => ({ type: 'm.room.topic', sender: '@a:a', auth });

const NODES = {
  create,
  join: member('@a:a', 'join'),
  leave: member('@a:a', 'leave'),
  topic: topic(['create', 'join']),
};
const CREATE = stateTuple('m.room.create', '');
const JOIN = stateTuple('m.room.member', '@a:a');
const TOPIC = stateTuple('m.room.topic', '');

function apply(nodes: Record<string, Node>, ids: string, initial: [ReturnType<typeof stateTuple>, string][] = []) {
  return Object.fromEntries(iterativeAuthChecks(ids.split(' '), new Map(initial), new AuthGraph(graphOf(nodes)), V11));
}

describe('iterativeAuthChecks', () => {
  it('takes from the auth events of an event what the state does not have', () => {
    expect(apply(NODES, 'topic')).toEqual({ [TOPIC]: 'topic' });
  });

  it('prefers what the state has', () => {
    expect(apply(NODES, 'topic', [[JOIN, 'leave']])).toEqual({ [JOIN]: 'leave' });
  });

  it('falls back to the auth events where the state has an event that is not known', () => {
    expect(apply(NODES, 'topic', [[JOIN, 'gone']])).toEqual({ [JOIN]: 'gone', [TOPIC]: 'topic' });
  });

  it('does not change the state it begins with', () => {
    const initial = new Map([[CREATE, 'create']]);
    iterativeAuthChecks(['topic'], initial, new AuthGraph(graphOf(NODES)), V11);
    expect(initial).toEqual(new Map([[CREATE, 'create']]));
  });

  it('lets each event be judged by those before it', () => {
    const nodes = { ...NODES, back: member('@a:a', 'join', ['create', 'leave', 'rules']), rules: joinRules('public') };
    expect(apply(nodes, 'leave back topic', [[JOIN, 'join']])).toEqual({ [JOIN]: 'back', [TOPIC]: 'topic' });
    expect(apply(nodes, 'leave topic back', [[JOIN, 'join']])).toEqual({ [JOIN]: 'back' });
  });

  it('does not believe auth events that were rejected', () => {
    expect(apply({ ...NODES, join: { ...NODES.join, rejected: true } }, 'topic')).toEqual({});
  });

  it('judges events anew that were rejected themselves', () => {
    expect(apply({ ...NODES, topic: { ...NODES.topic, rejected: true } }, 'topic')).toEqual({ [TOPIC]: 'topic' });
  });

  it('passes over events that are not known or no state', () => {
    expect(apply({ ...NODES, say: { ...NODES.topic, state_key: null } }, 'gone say topic')).toEqual({
      [TOPIC]: 'topic',
    });
  });

  it('finds m.room.create of version 12 by the room id', () => {
    const run = (roomId: string) => {
      const nodes = { $create: create, join: member('@a:a', 'join', []), topic: topic(['join']) };
      return [...iterativeAuthChecks(['topic'], new Map(), new AuthGraph(graphOf(nodes, roomId)), V12).keys()];
    };
    expect(run('!create')).toEqual([TOPIC]);
    expect(run('!other')).toEqual([]);
  });

  it('asks the caller about signatures', () => {
    const vouched = member('@b:b', 'join', ['create', 'rules', 'join'], { join_authorised_via_users_server: '@a:a' });
    const graph = () => new AuthGraph(graphOf({ ...NODES, rules: joinRules('restricted'), vouched }));
    for (const isSigned of [true, false]) {
      const resolved = iterativeAuthChecks(['vouched'], new Map(), graph(), V11, { isSignedBy: () => isSigned });
      expect(resolved.size).toBe(isSigned ? 1 : 0);
    }
  });
});
