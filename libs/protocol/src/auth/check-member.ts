import { type AuthContext, refuseIn, refuseUnlessSenderJoined } from './auth-context.js';
import { joinRuleOf, membershipOf } from './auth-state.js';
import { authorisingUser } from './auth-types.js';
import { checkInvite } from './check-invite.js';
import { checkJoin } from './check-join.js';
import { hasProperty, stringProperty } from './content.js';
import { ALLOWED, type AuthDecision } from './decision.js';
import { serverOf } from './same-server.js';

/**
 * The rule about m.room.member.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules
 */
export function checkMember(context: AuthContext): AuthDecision {
  const { pdu, rules } = context;
  const target = pdu.state_key;
  if (target === undefined || !hasProperty(pdu.content, 'membership')) {
    return refuseIn(context, 'member.format', 'm.room.member has no state key or no membership');
  }
  const unsigned = checkAuthorisingSignature(context);
  if (unsigned !== undefined) return unsigned;
  const membership = stringProperty(pdu.content, 'membership');
  if (membership === 'join') return checkJoin(context, target);
  if (membership === 'invite') return checkInvite(context, target);
  if (membership === 'leave') return checkLeave(context, target);
  if (membership === 'ban') return checkBan(context, target);
  if (membership === 'knock' && rules.knock) return checkKnock(context, target);
  return refuseIn(context, 'member.unknown', 'the membership is not one that this room version knows');
}

function checkAuthorisingSignature(context: AuthContext): AuthDecision | undefined {
  const { event, options, pdu, rules } = context;
  if (!rules.restrictedJoin || !hasProperty(pdu.content, 'join_authorised_via_users_server')) return undefined;
  const authoriser = authorisingUser(pdu.content);
  const server = authoriser === undefined ? undefined : serverOf(authoriser);
  if (server !== undefined && (options.isSignedBy ?? bearsSignatureOf)(event, server)) return undefined;
  const reason = `the event is not signed by the server of ${authoriser}, who is said to authorise it`;
  return refuseIn(context, 'member.authorised.signature', reason);
}

function bearsSignatureOf({ pdu }: AuthContext['event'], server: string): boolean {
  return Object.keys(pdu.signatures[server] ?? {}).length > 0;
}

function checkLeave(context: AuthContext, target: string): AuthDecision {
  const { levels, pdu, state } = context;
  if (pdu.sender === target) return checkLeaveByOneself(context);
  const absent = refuseUnlessSenderJoined(context, 'member.leave.sender');
  if (absent !== undefined) return absent;
  const level = levels.forUser(pdu.sender);
  if (membershipOf(state, target) === 'ban' && level < levels.ban) {
    const reason = `${pdu.sender} has power level ${level} but lifting a ban requires ${levels.ban}`;
    return refuseIn(context, 'member.leave.unban', reason);
  }
  if (level >= levels.kick && levels.forUser(target) < level) return ALLOWED;
  const reason = `${pdu.sender} has power level ${level}, which does not suffice to remove ${target}`;
  return refuseIn(context, 'member.leave.otherwise', reason);
}

function checkLeaveByOneself(context: AuthContext): AuthDecision {
  const { pdu, rules, state } = context;
  const membership = membershipOf(state, pdu.sender);
  if (membership === 'invite' || membership === 'join' || (rules.knock && membership === 'knock')) return ALLOWED;
  return refuseIn(context, 'member.leave.self', `${pdu.sender} is not in the room (membership ${membership})`);
}

function checkBan(context: AuthContext, target: string): AuthDecision {
  const { levels, pdu } = context;
  const absent = refuseUnlessSenderJoined(context, 'member.ban.sender');
  if (absent !== undefined) return absent;
  const level = levels.forUser(pdu.sender);
  if (level >= levels.ban && levels.forUser(target) < level) return ALLOWED;
  const reason = `${pdu.sender} has power level ${level}, which does not suffice to ban ${target}`;
  return refuseIn(context, 'member.ban.otherwise', reason);
}

function checkKnock(context: AuthContext, target: string): AuthDecision {
  const { pdu, rules, state } = context;
  const joinRule = joinRuleOf(state);
  if (joinRule !== 'knock' && !(rules.knockRestricted && joinRule === 'knock_restricted')) {
    return refuseIn(context, 'member.knock.join_rule', `the join rule ${joinRule} does not let users knock`);
  }
  if (pdu.sender !== target) {
    return refuseIn(context, 'member.knock.sender', `${pdu.sender} cannot knock for ${target}`);
  }
  const membership = membershipOf(state, pdu.sender);
  if (membership !== 'ban' && membership !== 'invite' && membership !== 'join') return ALLOWED;
  return refuseIn(context, 'member.knock.otherwise', `${target} cannot knock with membership ${membership}`);
}
