import { defaultPushRules, MASTER_RULE_ID, threadPushRules } from './predefined-rules.js';
import {
  PUSH_RULE_KINDS,
  type PushAction,
  type PushRule,
  type PushRuleKind,
  type PushRuleOptions,
  type PushRuleset,
  THREAD_RULES,
} from './push-rule.js';

/** What a user changed in a predefined rule. */
export interface PredefinedRuleChange {
  readonly enabled?: boolean;
  readonly actions?: readonly PushAction[];
}

/** A rule that a user added. */
export type OwnPushRule = Omit<PushRule, 'default'>;

/** All that has to be stored for a user: plain JSON, and only what differs from the predefined rules. */
export interface PushRuleChanges {
  /** The most important rule of each kind first. */
  readonly own: Readonly<Record<PushRuleKind, readonly OwnPushRule[]>>;
  /** By the id of the predefined rule. */
  readonly predefined: Readonly<Record<string, PredefinedRuleChange>>;
}

/** The changes of a user who made none. */
export const NO_PUSH_RULE_CHANGES: PushRuleChanges = Object.freeze({
  own: Object.freeze({ override: [], content: [], room: [], sender: [], underride: [] }),
  predefined: Object.freeze({}),
});

/** Changes as they were stored; what is absent of them, as in an empty object, stands for no changes. */
export interface StoredPushRuleChanges {
  readonly own?: Partial<PushRuleChanges['own']>;
  readonly predefined?: PushRuleChanges['predefined'];
}

/** Reads stored changes back. */
export function storedPushRuleChanges({ own, predefined }: StoredPushRuleChanges): PushRuleChanges {
  return { own: { ...NO_PUSH_RULE_CHANGES.own, ...own }, predefined: predefined ?? {} };
}

const WITHOUT_THREADS: PushRuleOptions = { threads: false };

/**
 * The content of a user's `m.push_rules`, as account data shows it.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#mpush_rules
 */
export function pushRulesContent(
  userId: string,
  stored: StoredPushRuleChanges,
  options = WITHOUT_THREADS,
): { readonly global: PushRuleset } {
  return { global: pushRulesOf(userId, storedPushRuleChanges(stored), options) };
}

/**
 * All rules of a user in the order in which they are checked: their own stand above the predefined ones of the same
 * kind, except for the master rule, which stands above everything.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrules
 */
export function pushRulesOf(userId: string, changes: PushRuleChanges, { threads } = WITHOUT_THREADS): PushRuleset {
  const predefined = defaultPushRules(userId);
  const rules = PUSH_RULE_KINDS.map((kind) => {
    const changed = predefined[kind].map((rule) => applyChange(rule, changes));
    return [kind, mergeByImportance(changed, changes.own[kind].map(asPushRule))];
  });
  const ofThreads = threads ? { [THREAD_RULES]: threadPushRules().map((rule) => applyChange(rule, changes)) } : {};
  return { ...(Object.fromEntries(rules) as PushRuleset), ...ofThreads };
}

/** Puts own rules above predefined ones, below the master rule. */
export function mergeByImportance<T extends { readonly rule_id: string }>(
  predefined: readonly T[],
  own: readonly T[],
): T[] {
  const isMaster = (rule: T) => rule.rule_id === MASTER_RULE_ID;
  return [...predefined.filter(isMaster), ...own, ...predefined.filter((rule) => !isMaster(rule))];
}

function applyChange(rule: PushRule, changes: PushRuleChanges): PushRule {
  return { ...rule, ...changes.predefined[rule.rule_id] };
}

function asPushRule(rule: OwnPushRule): PushRule {
  return { ...rule, default: false };
}
