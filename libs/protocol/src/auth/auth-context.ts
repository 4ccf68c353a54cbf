import type { Pdu, RoomEvent } from '../events/pdu.js';
import type { JsonObject } from '../json/json-value.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { type AuthState, membershipOf } from './auth-state.js';
import { type AuthDecision, refuse } from './decision.js';
import { type PowerLevels, powerLevelsOf } from './power-levels.js';
import type { RuleName } from './rule-book.js';

/** Checks that only the caller can make, or makes better. */
export interface AuthOptions {
  /**
   * Whether a server validly signed the event, for joins with `join_authorised_via_users_server`. Unless given, the
   * event must bear a signature of that server: enough for an event whose signatures were verified when it arrived.
   */
  readonly isSignedBy?: (event: RoomEvent, serverName: string) => boolean;
  /**
   * Whether any signature on the `signed` object of a third-party invite was made with the public key, in unpadded
   * Base64, of the m.room.third_party_invite event. Unless given, libsodium decides.
   */
  readonly verifySignature?: (signed: JsonObject, publicKey: string) => boolean;
}

/** What every rule looks at. */
export interface AuthContext {
  readonly event: RoomEvent;
  readonly pdu: Pdu;
  readonly state: AuthState;
  readonly create: RoomEvent;
  readonly levels: PowerLevels;
  readonly rules: RoomVersionRules;
  readonly options: AuthOptions;
}

export function authContext(
  event: RoomEvent,
  state: AuthState,
  create: RoomEvent,
  rules: RoomVersionRules,
  options: AuthOptions,
): AuthContext {
  return { event, pdu: event.pdu, state, create, levels: powerLevelsOf(state, rules), rules, options };
}

export function refuseIn({ rules }: AuthContext, rule: RuleName, reason: string): AuthDecision {
  return refuse(rules, rule, reason);
}

/** Refuses by the rule unless the sender is in the room. */
export function refuseUnlessSenderJoined(context: AuthContext, rule: RuleName): AuthDecision | undefined {
  const { sender } = context.pdu;
  const membership = membershipOf(context.state, sender);
  if (membership === 'join') return undefined;
  return refuseIn(context, rule, `${sender} is not in the room (membership ${membership})`);
}
