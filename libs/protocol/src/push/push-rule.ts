import type { JsonObject, JsonValue } from '../json/json-value.js';

/** The kinds of push rules, in the order in which they are checked. */
export const PUSH_RULE_KINDS = ['override', 'content', 'room', 'sender', 'underride'] as const;

/** @see https://spec.matrix.org/v1.19/client-server-api/#push-rules */
export type PushRuleKind = (typeof PUSH_RULE_KINDS)[number];

/**
 * The kind of the rules of threads, where there are any: they are checked after those of the kind `content`, users change them, and
 * add none.
 *
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/4306
 */
export const THREAD_RULES = 'postcontent';

/** The kinds of rules that there are, whether users may add some or not. */
export type AnyPushRuleKind = PushRuleKind | typeof THREAD_RULES;

export interface PushRuleOptions {
  /** Whether what users are told of threads depends on whether they follow them. */
  readonly threads: boolean;
}

/** What to do for an event: `"notify"`, a tweak, or something that is kept for the client's sake and ignored. */
export type PushAction = string | JsonObject;

/** A condition as clients write it; which keys matter depends on `kind`. */
export interface PushCondition {
  readonly kind: string;
  readonly key?: string;
  readonly pattern?: string;
  readonly is?: string;
  readonly value?: JsonValue;
  readonly subscribed?: boolean;
}

/** A push rule as the API shows it. */
export interface PushRule {
  readonly rule_id: string;
  readonly default: boolean;
  readonly enabled: boolean;
  readonly actions: readonly PushAction[];
  /** Only override and underride rules. */
  readonly conditions?: readonly PushCondition[];
  /** Only content rules. */
  readonly pattern?: string;
}

/** A user's rules of every kind, the most important of each kind first: the `global` of `GET /pushrules/`. */
export type PushRuleset = Readonly<Record<PushRuleKind, readonly PushRule[]>> & {
  readonly [THREAD_RULES]?: readonly PushRule[];
};
