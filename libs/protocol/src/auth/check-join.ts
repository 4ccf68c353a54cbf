import { prevEventIds } from '../events/pdu.js';
import { type AuthContext, refuseIn } from './auth-context.js';
import { creatorOf, joinRuleOf, membershipOf } from './auth-state.js';
import { authorisingUser } from './auth-types.js';
import { ALLOWED, type AuthDecision } from './decision.js';

/** m.room.member with membership `join`. @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules */
export function checkJoin(context: AuthContext, target: string): AuthDecision {
  const { pdu, rules, state } = context;
  if (isFirstJoin(context, target)) return ALLOWED;
  if (pdu.sender !== target) {
    return refuseIn(context, 'member.join.sender', `${pdu.sender} cannot make ${target} join`);
  }
  const membership = membershipOf(state, target);
  if (membership === 'ban') return refuseIn(context, 'member.join.banned', `${target} is banned from the room`);
  const joinRule = joinRuleOf(state);
  if (joinRule === 'public') return ALLOWED;
  const invited = membership === 'invite' || membership === 'join';
  if (joinRule === 'invite' || (joinRule === 'knock' && rules.knock)) {
    return invited ? ALLOWED : refuseIn(context, 'member.join.otherwise', `${target} is not invited`);
  }
  if (
    (joinRule === 'restricted' && rules.restrictedJoin) ||
    (joinRule === 'knock_restricted' && rules.knockRestricted)
  ) {
    return invited ? ALLOWED : checkAuthoriser(context, target);
  }
  return refuseIn(context, 'member.join.otherwise', `the join rule ${joinRule} lets nobody join`);
}

/** The creator's join is the event after m.room.create: there is no join rule yet. */
function isFirstJoin({ create, pdu, rules }: AuthContext, target: string): boolean {
  const previous = prevEventIds(pdu);
  return previous.length === 1 && previous[0] === create.eventId && target === creatorOf(create, rules);
}

function checkAuthoriser(context: AuthContext, target: string): AuthDecision {
  const { levels, pdu, state } = context;
  const authoriser = authorisingUser(pdu.content);
  if (authoriser === undefined) {
    return refuseIn(context, 'member.join.restricted.authoriser', `no user of the room authorises ${target} to join`);
  }
  if (membershipOf(state, authoriser) === 'join' && levels.forUser(authoriser) >= levels.invite) return ALLOWED;
  const reason = `${authoriser}, said to authorise ${target}, is not in the room or may not invite`;
  return refuseIn(context, 'member.join.restricted.authoriser', reason);
}
