export { type CompiledPushRules, compilePushRules } from './compile-push-rules.js';
export type { PushOwner, PushRoom } from './condition.js';
export * from './edit-push-rules.js';
export * from './errors.js';
export * from './evaluate.js';
export { NO_PUSH, type PushOutcome } from './outcome.js';
export { isPushRuleKind } from './parse-push-rule.js';
export { defaultPushRules, threadPushRules } from './predefined-rules.js';
export * from './push-rule.js';
export {
  NO_PUSH_RULE_CHANGES,
  type OwnPushRule,
  type PredefinedRuleChange,
  type PushRuleChanges,
  pushRulesContent,
  pushRulesOf,
  type StoredPushRuleChanges,
  storedPushRuleChanges,
} from './push-rule-changes.js';
