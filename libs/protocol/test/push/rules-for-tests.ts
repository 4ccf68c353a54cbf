import {
  compilePushRules,
  evaluatePushRules,
  type JsonObject,
  NO_PUSH_RULE_CHANGES,
  type OwnPushRule,
  type PushCondition,
  type PushOutcome,
  type PushRoom,
  type PushRuleChanges,
  type PushRuleKind,
} from '../../src/index.js';

export const ALICE = '@alice:example.org';
export const BOB = '@bob:example.org';
export const ROOM = '!room:example.org';

/** A room of many, in which nobody but `@admin:example.org` may notify everyone. */
export const LARGE_ROOM: PushRoom = {
  memberCount: 12,
  powerLevels: { forUser: (userId) => (userId === '@admin:example.org' ? 50 : 0), notification: () => 50 },
};

export const TWO: PushRoom = { ...LARGE_ROOM, memberCount: 2 };

/** An event of Bob's as Alice's client gets it. */
export function eventOf(fields: JsonObject): JsonObject {
  return { event_id: '$event', room_id: ROOM, sender: BOB, origin_server_ts: 1, type: 'm.room.message', ...fields };
}

export function message(body: string, content: JsonObject = {}): JsonObject {
  return eventOf({ content: { msgtype: 'm.text', body, ...content } });
}

/** What an event means for Alice, whose rules are the predefined ones and these changes. */
export function outcomeForAlice(
  event: JsonObject,
  room: PushRoom = LARGE_ROOM,
  changes: PushRuleChanges = NO_PUSH_RULE_CHANGES,
  displayName?: string,
): PushOutcome {
  const recipient = { userId: ALICE, displayName, rules: compilePushRules(changes) };
  return evaluatePushRules(event, room, [recipient])[0] as PushOutcome;
}

export function own(kind: PushRuleKind, ...rules: (Partial<OwnPushRule> & { rule_id: string })[]): PushRuleChanges {
  const whole = rules.map((rule) => ({ enabled: true, actions: ['notify'], ...rule }));
  return { ...NO_PUSH_RULE_CHANGES, own: { ...NO_PUSH_RULE_CHANGES.own, [kind]: whole } };
}

/** Whether a rule with just this condition matches the event. */
export function holds(
  condition: unknown,
  event: JsonObject,
  room: PushRoom = LARGE_ROOM,
  displayName?: string,
): boolean {
  const changes = own('override', { rule_id: 'tested', conditions: [condition as PushCondition] });
  return outcomeForAlice(event, room, changes, displayName).ruleId === 'tested';
}
