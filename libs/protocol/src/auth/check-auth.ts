import type { RoomEvent } from '../events/pdu.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { type AuthContext, type AuthOptions, authContext, refuseIn, refuseUnlessSenderJoined } from './auth-context.js';
import type { AuthState } from './auth-state.js';
import { checkCreate } from './check-create.js';
import { checkMember } from './check-member.js';
import { checkPowerLevels } from './check-power-levels.js';
import { checkRedaction } from './check-redaction.js';
import { checkRoomId } from './check-room-id.js';
import { ownProperty } from './content.js';
import { ALLOWED, type AuthDecision, refuse } from './decision.js';
import { isSameServer, serverOf } from './same-server.js';

/**
 * Whether the authorisation rules of the room version let an event into a room in the given state. The rules about the
 * event's own `auth_events` are not part of this: see `checkAuthEvents`.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules
 */
export function checkAuth(
  event: RoomEvent,
  state: AuthState,
  rules: RoomVersionRules,
  options: AuthOptions = {},
): AuthDecision {
  if (event.pdu.type === 'm.room.create') return checkCreate(event, rules);
  const refusedRoom = checkRoomId(event, state, rules);
  if (refusedRoom !== undefined) return refusedRoom;
  const create = state('m.room.create', '');
  if (create === undefined) return refuse(rules, 'auth_events.create', 'the room has no m.room.create event');
  const context = authContext(event, state, create, rules, options);
  return checkFederation(context) ?? checkByType(context);
}

function checkFederation(context: AuthContext): AuthDecision | undefined {
  const { pdu, create } = context;
  if (ownProperty(create.pdu.content, 'm.federate') !== false) return undefined;
  if (isSameServer(pdu.sender, create.pdu.sender)) return undefined;
  return refuseIn(context, 'federate', `the room is not federated and ${pdu.sender} is of another server`);
}

function checkByType(context: AuthContext): AuthDecision {
  const { pdu, rules } = context;
  if (rules.specialAliases && pdu.type === 'm.room.aliases') return checkAliases(context);
  if (pdu.type === 'm.room.member') return checkMember(context);
  const absent = refuseUnlessSenderJoined(context, 'sender');
  if (absent !== undefined) return absent;
  if (pdu.type === 'm.room.third_party_invite') return checkThirdPartyInvite(context);
  const powerless = checkRequiredLevel(context) ?? checkStateKey(context);
  if (powerless !== undefined) return powerless;
  if (pdu.type === 'm.room.power_levels') return checkPowerLevels(context);
  if (rules.redactionAuthByDomain && pdu.type === 'm.room.redaction') return checkRedaction(context);
  return ALLOWED;
}

function checkAliases(context: AuthContext): AuthDecision {
  const { sender, state_key: stateKey } = context.pdu;
  if (stateKey === undefined) return refuseIn(context, 'aliases.state_key', 'm.room.aliases has no state key');
  if (serverOf(sender) === stateKey) return ALLOWED;
  return refuseIn(context, 'aliases.domain', `${sender} is not of the server ${stateKey} whose aliases these are`);
}

function checkThirdPartyInvite(context: AuthContext): AuthDecision {
  const { levels, pdu } = context;
  const level = levels.forUser(pdu.sender);
  if (level >= levels.invite) return ALLOWED;
  const reason = `${pdu.sender} has power level ${level} but inviting requires ${levels.invite}`;
  return refuseIn(context, 'third_party_invite.level', reason);
}

function checkRequiredLevel(context: AuthContext): AuthDecision | undefined {
  const { levels, pdu } = context;
  const required = levels.forEvent(pdu.type, pdu.state_key !== undefined);
  const level = levels.forUser(pdu.sender);
  if (level >= required) return undefined;
  return refuseIn(
    context,
    'required_level',
    `${pdu.sender} has power level ${level} but ${pdu.type} requires ${required}`,
  );
}

function checkStateKey(context: AuthContext): AuthDecision | undefined {
  const { sender, state_key: stateKey } = context.pdu;
  if (!stateKey?.startsWith('@') || stateKey === sender) return undefined;
  return refuseIn(context, 'state_key', `the state key ${stateKey} belongs to another user than ${sender}`);
}
