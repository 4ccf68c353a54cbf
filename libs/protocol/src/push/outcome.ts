import { isJsonObject, type JsonValue } from '../json/json-value.js';
import type { PushAction } from './push-rule.js';

/** What an event means for one user. */
export interface PushOutcome {
  /** The event is to be told to the user's pushers, and counts as an unread notification. */
  readonly notify: boolean;
  /** The event counts as a highlight as well. Never without `notify`. */
  readonly highlight: boolean;
  /** The `tweaks` for the push gateway. */
  readonly tweaks: Readonly<Record<string, JsonValue>>;
  /** The actions that were followed, as `GET /notifications` lists them. */
  readonly actions: readonly PushAction[];
  /** The rule that decided; undefined when none matched. */
  readonly ruleId: string | undefined;
}

/** No rule matched, or the user sent the event: nothing happens. */
export const NO_PUSH: PushOutcome = Object.freeze({
  notify: false,
  highlight: false,
  tweaks: {},
  actions: [],
  ruleId: undefined,
});

/**
 * What the actions of a rule amount to. Those that are not known, `dont_notify` and `coalesce` among them, do nothing.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#actions
 */
export function outcomeOf(ruleId: string, actions: readonly PushAction[]): PushOutcome {
  const followed = actions.filter((action) => action === 'notify' || tweakOf(action) !== undefined);
  const tweaks = Object.fromEntries(actions.map(tweakOf).filter((tweak) => tweak !== undefined));
  const notify = actions.includes('notify');
  return Object.freeze({ notify, highlight: notify && tweaks.highlight === true, tweaks, actions: followed, ruleId });
}

/** The name and value that an action sets. A highlight without a value is true; other tweaks say nothing without one. */
function tweakOf(action: PushAction): readonly [string, JsonValue] | undefined {
  if (!isJsonObject(action) || typeof action.set_tweak !== 'string') return undefined;
  const value = action.value ?? (action.set_tweak === 'highlight' ? true : undefined);
  return value === undefined ? undefined : [action.set_tweak, value];
}
