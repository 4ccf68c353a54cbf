/**
 * Push rules for one event and the members of a large room. Run it with `node bench/push.ts` after `pnpm build`; it
 * exits with an error when the default rules take longer than the target.
 */
import {
  type CompiledPushRules,
  compilePushRules,
  evaluatePushRules,
  type JsonObject,
  NO_PUSH_RULE_CHANGES,
  type PushRecipient,
  type PushRuleChanges,
  putPushRule,
} from '@ganglion/protocol';

const MEMBERS = 10_000;
const TARGET_MS = 5;
const ROUNDS = 200;
const ROOM_ID = '!room:example.org';

const room = { memberCount: MEMBERS, powerLevels: { forUser: () => 0, notification: () => 50 } };

function messageOf(content: JsonObject): JsonObject {
  return { event_id: '$event', room_id: ROOM_ID, sender: '@sender:example.org', type: 'm.room.message', content };
}

const LONG_BODY = 'The quick brown fox jumps over the lazy dog. '.repeat(20);
const plain = messageOf({ msgtype: 'm.text', body: LONG_BODY, 'm.mentions': {} });
const mention = messageOf({ msgtype: 'm.text', body: 'hi', 'm.mentions': { user_ids: [userId(7), userId(9000)] } });

function userId(index: number): string {
  return `@user-${index}:example.org`;
}

function members(rulesOf: (index: number) => CompiledPushRules): PushRecipient[] {
  return Array.from({ length: MEMBERS }, (_, index) => ({
    userId: userId(index),
    displayName: `User ${index}`,
    rules: rulesOf(index),
  }));
}

function keyword(index: number): PushRuleChanges {
  return putPushRule(NO_PUSH_RULE_CHANGES, 'content', 'k', { pattern: `word${index}`, actions: ['notify'] });
}

function mutedRooms(index: number): PushRuleChanges {
  let changes: PushRuleChanges = NO_PUSH_RULE_CHANGES;
  for (let muted = 0; muted < 20; muted++) {
    changes = putPushRule(changes, 'room', `!muted-${index}-${muted}:example.org`, { actions: [] });
  }
  return changes;
}

const displayName = putPushRule(NO_PUSH_RULE_CHANGES, 'override', 'name', {
  conditions: [{ kind: 'contains_display_name' }],
  actions: ['notify', { set_tweak: 'highlight' }],
});

/** The median of many rounds, in milliseconds. */
function measure(event: JsonObject, recipients: readonly PushRecipient[]): number {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    evaluatePushRules(event, room, recipients);
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[ROUNDS >> 1] as number;
}

const defaults = members(() => compilePushRules(NO_PUSH_RULE_CHANGES));
const results: [name: string, ms: number, target: number][] = [
  ['default rules, a message', measure(plain, defaults), TARGET_MS],
  ['default rules, a mention of two', measure(mention, defaults), TARGET_MS],
  [
    'default rules and 20 muted rooms each',
    measure(
      plain,
      members((i) => compilePushRules(mutedRooms(i))),
    ),
    Infinity,
  ],
  [
    'default rules and a keyword each',
    measure(
      plain,
      members((i) => compilePushRules(keyword(i))),
    ),
    Infinity,
  ],
  [
    'default rules and the display name',
    measure(
      plain,
      members(() => compilePushRules(displayName)),
    ),
    Infinity,
  ],
];

for (const [name, ms, target] of results) {
  const verdict = ms <= target ? '' : ` — over the target of ${target} ms`;
  console.log(`${name}, ${MEMBERS} members: ${ms.toFixed(2)} ms${verdict}`);
}
if (results.some(([, ms, target]) => ms > target)) process.exitCode = 1;
