import fc from 'fast-check';
import { type StateMap, stateTuple } from '../../src/index.js';
import type { Node } from './graph.js';

const IDS = ['$a', '$b', '$c', '$d', '$e', '$f', '$g', '$h'];
const TYPES = ['m.room.create', 'm.room.member', 'm.room.power_levels', 'm.room.join_rules', 'x'];
const USERS = ['@a:a', '@b:a', '@c:a'];

/** Circles, unknown events, messages for state and contents of all kinds. */
const anyNode: fc.Arbitrary<Node> = fc.record({
  auth: fc.array(fc.constantFrom(...IDS, '$gone'), { maxLength: 4 }),
  sender: fc.constantFrom(...USERS),
  type: fc.constantFrom(...TYPES),
  state_key: fc.constantFrom('', null, ...USERS),
  ts: fc.integer({ min: 0, max: 3 }),
  rejected: fc.boolean(),
  content: fc.oneof(
    fc.constantFrom({ membership: 'join' }, { membership: 'ban' }, { users: { '@a:a': 100 } }, { join_rule: 'public' }),
    fc.dictionary(fc.constantFrom('membership', 'users', 'join_rule', 'creator'), fc.jsonValue({ maxDepth: 2 })),
  ) as fc.Arbitrary<NonNullable<Node['content']>>,
});

/** Events for `graphOf` that no room ever had. */
export const anyNodes: fc.Arbitrary<Record<string, Node>> = fc.dictionary(fc.constantFrom(...IDS), anyNode);

/** A state of such events, each under any type and state key. */
export const anyState: fc.Arbitrary<StateMap<string>> = fc
  .array(fc.tuple(fc.constantFrom(...TYPES), fc.constantFrom('', ...USERS), fc.constantFrom(...IDS, '$gone')))
  .map((entries) => new Map(entries.map(([type, stateKey, eventId]) => [stateTuple(type, stateKey), eventId])));
