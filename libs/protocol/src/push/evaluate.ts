import type { JsonObject } from '../json/json-value.js';
import { type CompiledPushRule, type CompiledPushRules, PREDEFINED_COUNT } from './compile-push-rules.js';
import type { PushInput, PushOwner, PushRoom } from './condition.js';
import { NO_PUSH, type PushOutcome } from './outcome.js';
import { PushEvent } from './push-event.js';

/** A user for whom an event is evaluated. */
export interface PushRecipient extends PushOwner {
  readonly rules: CompiledPushRules;
}

/**
 * What an event, in the form that clients get, means for each of many users: one outcome a recipient, in their order.
 * The sender is never notified. All that does not depend on the user is worked out once.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#push-rules
 */
export function evaluatePushRules(
  event: JsonObject,
  room: PushRoom,
  recipients: readonly PushRecipient[],
): PushOutcome[] {
  const evaluation = new PushEvaluation(event, room);
  return recipients.map((recipient) => evaluation.outcomeFor(recipient));
}

/**
 * One event, evaluated for any number of users, now or later: what does not depend on the user is worked out once, when
 * it is first asked for, and so is what it asks of the room.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#push-rules
 */
export class PushEvaluation {
  readonly #input: PushInput;
  readonly #roomId: string;
  /** Whether what is shared of each predefined rule holds; undefined until asked. */
  readonly #predefined: (boolean | undefined)[] = new Array(PREDEFINED_COUNT).fill(undefined);

  constructor(event: JsonObject, room: PushRoom) {
    this.#input = { event: new PushEvent(event), room, sender: stringOf(event.sender) };
    this.#roomId = stringOf(event.room_id);
  }

  /** The event that the thread begins with which this one is in. */
  get threadRoot(): string | undefined {
    return this.#input.event.threadRoot;
  }

  /** What the event means for a user. The sender is never notified. */
  outcomeFor(recipient: PushRecipient): PushOutcome {
    const { userId, rules } = recipient;
    if (userId === this.#input.sender) return NO_PUSH;
    return (
      this.#firstMatch(rules.override, recipient) ??
      this.#firstMatch(rules.content, recipient) ??
      this.#firstMatch(rules.threads, recipient) ??
      rules.room.get(this.#roomId) ??
      rules.sender.get(this.#input.sender) ??
      this.#firstMatch(rules.underride, recipient) ??
      NO_PUSH
    );
  }

  #firstMatch(rules: readonly CompiledPushRule[], owner: PushOwner): PushOutcome | undefined {
    for (const rule of rules) {
      if (this.#sharedHolds(rule) && rule.perOwner.every(({ holds }) => holds(this.#input, owner))) return rule.outcome;
    }
    return undefined;
  }

  #sharedHolds(rule: CompiledPushRule): boolean {
    const known = rule.predefined === undefined ? undefined : this.#predefined[rule.predefined];
    if (known !== undefined) return known;
    const holds = rule.shared.every((condition) => condition.holds(this.#input));
    if (rule.predefined !== undefined) this.#predefined[rule.predefined] = holds;
    return holds;
  }
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
