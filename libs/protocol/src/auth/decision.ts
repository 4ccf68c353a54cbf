import type { RoomVersionRules } from '../rooms/room-version.js';
import { type RuleName, ruleNumber } from './rule-book.js';

/**
 * What the authorisation rules say of an event. A refusal names the rule by its number path in the specification of
 * the room's version ("5.3.2" is the second point of the third point of rule 5) and gives the reason in plain words.
 */
export type AuthDecision = Allowed | Refused;

export interface Allowed {
  readonly allowed: true;
}

export interface Refused {
  readonly allowed: false;
  readonly rule: string;
  readonly reason: string;
}

export const ALLOWED: Allowed = Object.freeze({ allowed: true });

export function refuse(rules: RoomVersionRules, rule: RuleName, reason: string): Refused {
  return { allowed: false, rule: ruleNumber(rule, rules), reason };
}
