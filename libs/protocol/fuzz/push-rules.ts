import {
  compilePushRules,
  evaluatePushRules,
  type JsonObject,
  NO_PUSH,
  NO_PUSH_RULE_CHANGES,
  ProtocolError,
  PUSH_RULE_KINDS,
  type PushRuleChanges,
  pushRulesOf,
  putPushRule,
  setPushRuleActions,
  setPushRuleEnabled,
} from '@ganglion/protocol';
import fc from 'fast-check';

const ALICE = '@alice:example.org';
const BOB = '@bob:example.org';

/** Text of all kinds, with much of what patterns, paths and bodies give a meaning to. */
const text = fc.oneof(
  fc.constantFrom('content.body', 'content', 'type', 'm.room.message', 'm.text', ALICE, BOB, 'room', '2', '>=2', '*'),
  fc.string({
    unit: fc.constantFrom('a', 'b', '*', '?', '.', '\\', ' ', '_', 'Σ', 'ß', '🙂', '\ud800'),
    maxLength: 200,
  }),
  fc.string({ unit: 'binary' }),
);
const kinds = ['event_match', 'event_property_is', 'event_property_contains', 'contains_display_name'];
const condition = fc.record(
  {
    kind: fc.oneof(fc.constantFrom(...kinds, 'room_member_count', 'sender_notification_permission'), text),
    key: text,
    pattern: text,
    is: text,
    value: fc.oneof(text, fc.jsonValue()),
  },
  { requiredKeys: ['kind'] },
);
const action = fc.oneof(
  fc.constantFrom('notify', 'dont_notify'),
  fc.record({ set_tweak: text, value: fc.jsonValue() }),
);
const body = fc.oneof(
  fc.jsonValue(),
  fc.record(
    { actions: fc.array(action), conditions: fc.array(condition), pattern: text, enabled: fc.boolean() },
    { requiredKeys: ['actions'] },
  ),
);
const edit = fc.record({
  change: fc.constantFrom(putPushRule, setPushRuleActions, setPushRuleEnabled),
  kind: fc.constantFrom(...PUSH_RULE_KINDS),
  ruleId: fc.oneof(fc.constantFrom('r', '!room:example.org', BOB, '.m.rule.message', '.m.rule.master'), text),
  body,
});
const event = fc.oneof(
  fc.dictionary(text, fc.jsonValue()),
  fc.record({
    type: text,
    sender: fc.oneof(fc.constantFrom(ALICE, BOB), fc.jsonValue()),
    room_id: fc.constant('!room:example.org'),
    state_key: text,
    content: fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.oneof(fc.constantFrom('body', 'm.mentions'), text), fc.jsonValue()),
    ),
  }),
);

type Edit = typeof edit extends fc.Arbitrary<infer Value> ? Value : never;

function edited(changes: PushRuleChanges, { change, kind, ruleId, body }: Edit): PushRuleChanges {
  try {
    return change(changes, kind, ruleId, body);
  } catch (error) {
    if (error instanceof ProtocolError) return changes;
    throw error;
  }
}

function check(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** Rules of any shape are refused or kept; what is kept can be stored, shown and evaluated for any event. */
export const pushRules = fc.property(
  fc.array(edit),
  event,
  text,
  fc.nat(4),
  (edits, event, displayName, memberCount) => {
    const changes = edits.reduce(edited, NO_PUSH_RULE_CHANGES);
    const stored = JSON.parse(JSON.stringify(changes)) as PushRuleChanges;
    const shown = pushRulesOf(ALICE, stored);
    check(shown.override[0]?.rule_id === '.m.rule.master', 'the master rule must come first');
    const room = { memberCount, powerLevels: { forUser: () => 50, notification: () => 50 } };
    const recipient = { userId: ALICE, displayName, rules: compilePushRules(stored) };
    const [outcome = NO_PUSH, again] = evaluatePushRules(event as JsonObject, room, [recipient, recipient]);
    check(outcome === again, 'the same user must get the same outcome');
    check(outcome.notify || !outcome.highlight, 'what highlights must notify');
    check(event.sender !== ALICE || outcome === NO_PUSH, 'the sender must not be notified');
    const ids = PUSH_RULE_KINDS.flatMap((kind) =>
      shown[kind].filter((rule) => rule.enabled).map((rule) => rule.rule_id),
    );
    check(
      outcome.ruleId === undefined || ids.includes(outcome.ruleId),
      'the rule that decides must be shown and enabled',
    );
  },
);
