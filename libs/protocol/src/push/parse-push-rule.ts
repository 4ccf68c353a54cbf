import { MAX_GLOB_CHARACTERS } from '../globs/glob.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/json-value.js';
import { isScalar } from './condition.js';
import { InvalidPushRuleError } from './errors.js';
import { PUSH_RULE_KINDS, type PushAction, type PushCondition, type PushRuleKind } from './push-rule.js';
import type { OwnPushRule } from './push-rule-changes.js';

/** The longest id of a rule. */
export const MAX_RULE_ID_LENGTH = 255;
/** The most conditions or actions that a rule may have. */
const MAX_LIST_LENGTH = 100;

/** `dont_notify` and `coalesce` do nothing, but older clients still set them and expect to read them back. */
const ACTION_NAMES: ReadonlySet<unknown> = new Set(['notify', 'dont_notify', 'coalesce']);

/** The properties that a kind of condition cannot do without, all of them strings. */
const REQUIRED_STRINGS: ReadonlyMap<string, readonly string[]> = new Map([
  ['event_match', ['key', 'pattern']],
  ['event_property_is', ['key']],
  ['event_property_contains', ['key']],
  ['room_member_count', ['is']],
  ['sender_notification_permission', ['key']],
]);

/**
 * True for the kinds that stand in the paths of the API.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#push-rules
 */
export function isPushRuleKind(text: string): text is PushRuleKind {
  return (PUSH_RULE_KINDS as readonly string[]).includes(text);
}

/**
 * Checks the id and the body of a rule that a user adds or replaces, and keeps what the kind of rule has.
 *
 * @throws {InvalidPushRuleError} when the id is reserved or malformed, or the body is not a rule of the kind
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid
 */
export function parsePushRule(kind: PushRuleKind, ruleId: string, body: unknown): OwnPushRule {
  checkRuleId(ruleId);
  const rule = { rule_id: ruleId, enabled: true, actions: parseActions(body) };
  if (kind === 'content') return { ...rule, pattern: parsePattern(propertyOf(body, 'pattern')) };
  if (kind === 'override' || kind === 'underride') return { ...rule, conditions: parseConditions(body) };
  return rule;
}

/**
 * Reads the body of `PUT …/actions`.
 *
 * @throws {InvalidPushRuleError}
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidactions
 */
export function parseActions(body: unknown): readonly PushAction[] {
  const actions = listOf(propertyOf(body, 'actions'), 'actions');
  if (!actions.every(isAction)) throw invalid('Every action must be "notify" or an object with a string "set_tweak"');
  return actions;
}

/**
 * Reads the body of `PUT …/enabled`.
 *
 * @throws {InvalidPushRuleError}
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidenabled
 */
export function parseEnabled(body: unknown): boolean {
  const enabled = propertyOf(body, 'enabled');
  if (enabled === undefined) throw new InvalidPushRuleError('M_MISSING_PARAM', 'Missing "enabled"');
  if (typeof enabled !== 'boolean') throw invalid('"enabled" must be a boolean');
  return enabled;
}

function checkRuleId(ruleId: string): void {
  if (ruleId === '' || ruleId.length > MAX_RULE_ID_LENGTH) {
    throw invalid(`A rule's id must have 1 to ${MAX_RULE_ID_LENGTH} characters`);
  }
  if (ruleId.startsWith('.')) throw invalid("Rule ids that start with a dot are the server's own");
  if (/[/\\]/.test(ruleId)) throw invalid("A rule's id must not hold slashes or backslashes");
}

function parsePattern(pattern: JsonValue | undefined): string {
  if (pattern === undefined) throw new InvalidPushRuleError('M_MISSING_PARAM', 'A content rule needs a "pattern"');
  if (typeof pattern !== 'string' || pattern === '') throw invalid('"pattern" must be text');
  if (pattern.length > MAX_GLOB_CHARACTERS) throw invalid(`"pattern" is longer than ${MAX_GLOB_CHARACTERS} characters`);
  return pattern;
}

function parseConditions(body: unknown): readonly PushCondition[] {
  const conditions = listOf(propertyOf(body, 'conditions') ?? [], 'conditions');
  return conditions.map(parseCondition);
}

/** Kinds that are not known here are kept: they match nothing until a later version knows them. */
function parseCondition(condition: JsonValue): PushCondition {
  const kind = propertyOf(condition, 'kind');
  if (typeof kind !== 'string') throw invalid('Every condition must be an object with a string "kind"');
  for (const name of REQUIRED_STRINGS.get(kind) ?? []) {
    if (typeof propertyOf(condition, name) !== 'string')
      throw invalid(`A condition "${kind}" needs a string "${name}"`);
  }
  if (kind.startsWith('event_property_') && !isScalar(propertyOf(condition, 'value'))) {
    throw invalid(`A condition "${kind}" needs a "value" that is a string, an integer, a boolean or null`);
  }
  return condition as JsonObject & PushCondition;
}

function isAction(action: JsonValue): action is PushAction {
  return ACTION_NAMES.has(action) || typeof propertyOf(action, 'set_tweak') === 'string';
}

function listOf(value: JsonValue | undefined, name: string): readonly JsonValue[] {
  if (value === undefined) throw new InvalidPushRuleError('M_MISSING_PARAM', `Missing "${name}"`);
  if (!Array.isArray(value)) throw invalid(`"${name}" must be a list`);
  if (value.length > MAX_LIST_LENGTH) throw invalid(`"${name}" has more than ${MAX_LIST_LENGTH} entries`);
  return value;
}

function propertyOf(value: unknown, name: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function invalid(message: string): InvalidPushRuleError {
  return new InvalidPushRuleError('M_INVALID_PARAM', message);
}
