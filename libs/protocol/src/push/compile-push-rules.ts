import { bodyMatches, type CompiledCondition, compileCondition } from './condition.js';
import { outcomeOf, type PushOutcome } from './outcome.js';
import { defaultPushRules, threadPushRules } from './predefined-rules.js';
import type { PushRule } from './push-rule.js';
import {
  mergeByImportance,
  type OwnPushRule,
  type PredefinedRuleChange,
  type PushRuleChanges,
} from './push-rule-changes.js';

type SharedCondition = Extract<CompiledCondition, { perOwner: false }>;
type OwnerCondition = Extract<CompiledCondition, { perOwner: true }>;

/** A rule ready for use: it matches when all of its conditions hold. */
export interface CompiledPushRule {
  readonly rule_id: string;
  readonly shared: readonly SharedCondition[];
  readonly perOwner: readonly OwnerCondition[];
  readonly outcome: PushOutcome;
  /** The place of a predefined rule among all of them: what is shared of it is worked out once an event, for all users. */
  readonly predefined: number | undefined;
}

/** A user's enabled rules, ready for use on many events. */
export interface CompiledPushRules {
  readonly override: readonly CompiledPushRule[];
  readonly content: readonly CompiledPushRule[];
  /** They match for those alone of whom it is told which threads they follow. */
  readonly threads: readonly CompiledPushRule[];
  /** By room id: a room has at most one rule, so their order does not matter. */
  readonly room: ReadonlyMap<string, PushOutcome>;
  /** By user id. */
  readonly sender: ReadonlyMap<string, PushOutcome>;
  readonly underride: readonly CompiledPushRule[];
}

/** Stands for the user's id in the predefined rules, which are compiled once for all users. */
const OWNER = '@';

const PREDEFINED = defaultPushRules(OWNER);
const PREDEFINED_OVERRIDE = compilePredefined(PREDEFINED.override, 0);
const PREDEFINED_UNDERRIDE = compilePredefined(PREDEFINED.underride, PREDEFINED_OVERRIDE.length);
const PREDEFINED_THREADS = compilePredefined(
  threadPushRules(),
  PREDEFINED_OVERRIDE.length + PREDEFINED_UNDERRIDE.length,
);

/** The lists that users without changes share. */
const UNCHANGED_OVERRIDE = applyChanges(PREDEFINED_OVERRIDE, {});
const UNCHANGED_UNDERRIDE = applyChanges(PREDEFINED_UNDERRIDE, {});
const UNCHANGED_THREADS = applyChanges(PREDEFINED_THREADS, {});
const NO_RULES: readonly CompiledPushRule[] = [];
const NO_OUTCOMES: ReadonlyMap<string, PushOutcome> = new Map();

/** How many predefined rules there are. */
export const PREDEFINED_COUNT = PREDEFINED_OVERRIDE.length + PREDEFINED_UNDERRIDE.length + PREDEFINED_THREADS.length;

/**
 * Makes a user's rules ready for use. Rules that are disabled or can never match are left out. What the predefined
 * rules are made of is shared by all users, so a user without changes costs next to nothing to keep.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#push-rules
 */
export function compilePushRules({ own, predefined }: PushRuleChanges): CompiledPushRules {
  const changed = Object.keys(predefined).length > 0;
  return {
    override: merge(changed ? applyChanges(PREDEFINED_OVERRIDE, predefined) : UNCHANGED_OVERRIDE, own.override),
    content: own.content.length === 0 ? NO_RULES : compileRules(own.content, (rule) => [bodyMatches(rule.pattern)]),
    threads: changed ? applyChanges(PREDEFINED_THREADS, predefined) : UNCHANGED_THREADS,
    room: outcomesById(own.room),
    sender: outcomesById(own.sender),
    underride: merge(changed ? applyChanges(PREDEFINED_UNDERRIDE, predefined) : UNCHANGED_UNDERRIDE, own.underride),
  };
}

function merge(predefined: readonly CompiledPushRule[], own: readonly OwnPushRule[]): readonly CompiledPushRule[] {
  if (own.length === 0) return predefined;
  return mergeByImportance(
    predefined,
    compileRules(own, (rule) => conditionsOf(rule)),
  );
}

/** The conditions that a rule is made of; undefined is one that can never hold. */
type Conditions = readonly (CompiledCondition | undefined)[];

interface PredefinedRule {
  readonly compiled: CompiledPushRule;
  readonly enabled: boolean;
}

function compilePredefined(rules: readonly PushRule[], firstIndex: number): PredefinedRule[] {
  const compiled = compileRules(
    rules.map((rule) => ({ ...rule, enabled: true })),
    (rule) => conditionsOf(rule, OWNER),
  );
  return compiled.map((rule, index) => ({
    compiled: { ...rule, predefined: firstIndex + index },
    enabled: rules.some(({ rule_id, enabled }) => rule_id === rule.rule_id && enabled),
  }));
}

function applyChanges(
  rules: readonly PredefinedRule[],
  changes: Readonly<Record<string, PredefinedRuleChange>>,
): CompiledPushRule[] {
  return rules.flatMap(({ compiled, enabled }) => {
    const change = changes[compiled.rule_id];
    if (!(change?.enabled ?? enabled)) return [];
    return change?.actions ? [{ ...compiled, outcome: outcomeOf(compiled.rule_id, change.actions) }] : [compiled];
  });
}

function conditionsOf(rule: OwnPushRule, owner?: string): Conditions {
  return (rule.conditions ?? []).map((condition) => compileCondition(condition, owner));
}

function compileRules(
  rules: readonly OwnPushRule[],
  conditions: (rule: OwnPushRule) => Conditions,
): CompiledPushRule[] {
  return rules
    .filter((rule) => rule.enabled)
    .map((rule) => compileRule(rule, conditions(rule)))
    .filter((rule) => rule !== undefined);
}

function compileRule(rule: OwnPushRule, conditions: Conditions): CompiledPushRule | undefined {
  const possible = conditions.filter((condition) => condition !== undefined);
  if (possible.length < conditions.length) return undefined;
  return {
    rule_id: rule.rule_id,
    shared: possible.filter((condition) => !condition.perOwner),
    perOwner: possible.filter((condition) => condition.perOwner),
    outcome: outcomeOf(rule.rule_id, rule.actions),
    predefined: undefined,
  };
}

function outcomesById(rules: readonly OwnPushRule[]): ReadonlyMap<string, PushOutcome> {
  if (rules.length === 0) return NO_OUTCOMES;
  const enabled = rules.filter((rule) => rule.enabled);
  return new Map(enabled.map((rule) => [rule.rule_id, outcomeOf(rule.rule_id, rule.actions)]));
}
