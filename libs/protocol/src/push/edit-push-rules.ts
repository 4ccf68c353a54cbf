import { InvalidPushRuleError, PushRuleNotFoundError } from './errors.js';
import { MAX_RULE_ID_LENGTH, parseActions, parseEnabled, parsePushRule } from './parse-push-rule.js';
import { defaultPushRules, threadPushRules } from './predefined-rules.js';
import {
  type AnyPushRuleKind,
  PUSH_RULE_KINDS,
  type PushCondition,
  type PushRule,
  type PushRuleKind,
  type PushRuleOptions,
  THREAD_RULES,
} from './push-rule.js';
import { type OwnPushRule, type PredefinedRuleChange, type PushRuleChanges, pushRulesOf } from './push-rule-changes.js';

/** The most rules of one kind that a user may add: every event of their rooms is checked against them. */
export const MAX_OWN_RULES_PER_KIND = 1000;

/** Where to put a rule: next to another of the user's own of the same kind. `before` wins over `after`. */
export interface PushRulePosition {
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

/**
 * One rule of a user.
 *
 * @throws {PushRuleNotFoundError}
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleid
 */
export function findPushRule(
  userId: string,
  changes: PushRuleChanges,
  kind: AnyPushRuleKind,
  ruleId: string,
  options?: PushRuleOptions,
): PushRule {
  const rule = pushRulesOf(userId, changes, options)[kind]?.find(({ rule_id }) => rule_id === ruleId);
  if (!rule) throw new PushRuleNotFoundError();
  return rule;
}

/**
 * Adds a rule, above the user's others of its kind unless a position is given, or replaces the one with the same id,
 * which keeps its place unless a position is given and stays disabled if it was.
 *
 * @throws {InvalidPushRuleError} when the rule is malformed, there are too many, or the rule to put it next to is not there
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid
 */
export function putPushRule(
  changes: PushRuleChanges,
  kind: PushRuleKind,
  ruleId: string,
  body: unknown,
  position: PushRulePosition = {},
): PushRuleChanges {
  const rules = changes.own[kind];
  const existing = rules.find(({ rule_id }) => rule_id === ruleId);
  const rule = { ...parsePushRule(kind, ruleId, body), enabled: existing?.enabled ?? true };
  if (!existing && rules.length >= MAX_OWN_RULES_PER_KIND) {
    throw new InvalidPushRuleError('M_UNKNOWN', `There may be no more than ${MAX_OWN_RULES_PER_KIND} rules of a kind`);
  }
  if (existing && position.before === undefined && position.after === undefined) {
    return withOwn(changes, kind, replaceRule(rules, rule));
  }
  const others = rules.filter((other) => other !== existing);
  return withOwn(changes, kind, others.toSpliced(indexFor(others, position), 0, rule));
}

/**
 * Enables or disables a rule, predefined or own.
 *
 * @throws {InvalidPushRuleError} when the body is malformed
 * @throws {PushRuleNotFoundError}
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidenabled
 */
export function setPushRuleEnabled(
  changes: PushRuleChanges,
  kind: AnyPushRuleKind,
  ruleId: string,
  body: unknown,
): PushRuleChanges {
  return changeRule(changes, kind, ruleId, { enabled: parseEnabled(body) });
}

/**
 * Sets the actions of a rule, predefined or own.
 *
 * @throws {InvalidPushRuleError} when the body is malformed
 * @throws {PushRuleNotFoundError}
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidactions
 */
export function setPushRuleActions(
  changes: PushRuleChanges,
  kind: AnyPushRuleKind,
  ruleId: string,
  body: unknown,
): PushRuleChanges {
  return changeRule(changes, kind, ruleId, { actions: parseActions(body) });
}

/**
 * Removes one of the user's own rules; predefined ones cannot be removed.
 *
 * @throws {PushRuleNotFoundError}
 * @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3pushrulesglobalkindruleid
 */
export function deletePushRule(changes: PushRuleChanges, kind: PushRuleKind, ruleId: string): PushRuleChanges {
  const kept = changes.own[kind].filter(({ rule_id }) => rule_id !== ruleId);
  if (kept.length === changes.own[kind].length) throw new PushRuleNotFoundError();
  return withOwn(changes, kind, kept);
}

/**
 * Gives the room that replaces another the rules that its predecessor has: the room rule of its id, and those with a condition
 * that asks for it. What there is for it already stays, as do rules of which there are too many then.
 *
 * @returns the same object where there is nothing to copy
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
 */
export function copyRoomPushRules(changes: PushRuleChanges, fromRoomId: string, toRoomId: string): PushRuleChanges {
  return PUSH_RULE_KINDS.reduce((copied, kind) => {
    const rules = copied.own[kind];
    const known = new Set(rules.map(({ rule_id }) => rule_id));
    const added = rules
      .filter((rule) => (kind === 'room' ? rule.rule_id === fromRoomId : asksForRoom(rule, fromRoomId)))
      .map((rule) => ruleForRoom(rule, fromRoomId, toRoomId))
      .filter(({ rule_id }) => !known.has(rule_id) && rule_id.length <= MAX_RULE_ID_LENGTH);
    const fits = rules.length + added.length <= MAX_OWN_RULES_PER_KIND;
    return added.length > 0 && fits ? withOwn(copied, kind, [...added, ...rules]) : copied;
  }, changes);
}

function asksForRoom({ conditions = [] }: OwnPushRule, roomId: string): boolean {
  return conditions.some((condition) => isRoomCondition(condition) && condition.pattern === roomId);
}

const isRoomCondition = ({ kind, key }: PushCondition) => kind === 'event_match' && key === 'room_id';

/** Clients name their rules after the room that they are for; others get its name behind theirs. */
function ruleForRoom(rule: OwnPushRule, fromRoomId: string, toRoomId: string): OwnPushRule {
  const { rule_id: ruleId, conditions } = rule;
  const moved = (condition: PushCondition) =>
    isRoomCondition(condition) && condition.pattern === fromRoomId ? { ...condition, pattern: toRoomId } : condition;
  return {
    ...rule,
    rule_id: ruleId.includes(fromRoomId) ? ruleId.replace(fromRoomId, () => toRoomId) : `${ruleId} ${toRoomId}`,
    ...(conditions && { conditions: conditions.map(moved) }),
  };
}

function changeRule(
  changes: PushRuleChanges,
  kind: AnyPushRuleKind,
  ruleId: string,
  change: PredefinedRuleChange,
): PushRuleChanges {
  const own = kind === THREAD_RULES ? undefined : changes.own[kind].find(({ rule_id }) => rule_id === ruleId);
  if (own && kind !== THREAD_RULES)
    return withOwn(changes, kind, replaceRule(changes.own[kind], { ...own, ...change }));
  if (!isPredefined(kind, ruleId)) throw new PushRuleNotFoundError();
  const merged = { ...changes.predefined[ruleId], ...change };
  return { ...changes, predefined: { ...changes.predefined, [ruleId]: merged } };
}

function isPredefined(kind: AnyPushRuleKind, ruleId: string): boolean {
  const rules = kind === THREAD_RULES ? threadPushRules() : defaultPushRules('')[kind];
  return rules.some(({ rule_id }) => rule_id === ruleId);
}

function indexFor(rules: readonly OwnPushRule[], { before, after }: PushRulePosition): number {
  const neighbour = before ?? after;
  if (neighbour === undefined) return 0;
  const index = rules.findIndex(({ rule_id }) => rule_id === neighbour);
  if (index < 0) throw new InvalidPushRuleError('M_UNKNOWN', `before/after rule not found: ${neighbour}`);
  return before === undefined ? index + 1 : index;
}

function replaceRule(rules: readonly OwnPushRule[], rule: OwnPushRule): OwnPushRule[] {
  return rules.map((other) => (other.rule_id === rule.rule_id ? rule : other));
}

function withOwn(changes: PushRuleChanges, kind: PushRuleKind, rules: readonly OwnPushRule[]): PushRuleChanges {
  return { ...changes, own: { ...changes.own, [kind]: rules } };
}
