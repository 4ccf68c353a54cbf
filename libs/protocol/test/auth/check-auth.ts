import { type AuthDecision, type AuthOptions, checkAuth, type RoomVersionRules } from '../../src/index.js';
import { type Draft, event, ROOM, stateOf } from './room-builder.js';
import { type Rule, runRules } from './rule-table.js';

/** An event, and what the room of all cases holds besides. */
export interface AuthCase {
  readonly event: Draft;
  /** Replaces what `ROOM` has of the same type and state key. */
  readonly given?: readonly Draft[];
  /** The whole state, for cases to which `ROOM` does not fit. */
  readonly state?: readonly Draft[];
  readonly options?: AuthOptions;
}

function decide({ event: draft, given = [], state, options }: AuthCase, rules: RoomVersionRules): AuthDecision {
  return checkAuth(event(draft, rules), stateOf(state ?? [...ROOM, ...given], rules), rules, options);
}

export function runAuthRules(rules: readonly Rule<AuthCase>[]): void {
  runRules(rules, decide);
}
