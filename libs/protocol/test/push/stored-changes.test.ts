import {
  defaultPushRules,
  NO_PUSH_RULE_CHANGES,
  type PushRuleChanges,
  pushRulesContent,
  pushRulesOf,
  putPushRule,
  setPushRuleEnabled,
  storedPushRuleChanges,
} from '../../src/index.js';
import { ALICE } from './rules-for-tests.js';

const reread = (changes: PushRuleChanges) => storedPushRuleChanges(JSON.parse(JSON.stringify(changes)));

describe('changes of push rules that were stored as JSON', () => {
  it('are what they were', () => {
    const added = putPushRule(NO_PUSH_RULE_CHANGES, 'sender', '@bob:example.org', { actions: ['notify'] });
    const changes = setPushRuleEnabled(added, 'underride', '.m.rule.message', { enabled: false });
    expect(reread(changes)).toEqual(changes);
  });

  it('are none in an empty object', () => {
    expect(storedPushRuleChanges({})).toEqual(NO_PUSH_RULE_CHANGES);
  });

  it('are shown as the content of m.push_rules', () => {
    expect(pushRulesContent(ALICE, {})).toEqual({ global: defaultPushRules(ALICE) });
  });

  it('may lack a kind', () => {
    const rule = { rule_id: '!room:example.org', enabled: true, actions: [] };
    const rules = pushRulesOf(ALICE, storedPushRuleChanges({ own: { room: [rule] } }));
    expect([rules.room, rules.sender]).toEqual([[{ ...rule, default: false }], []]);
  });
});
