import { type AuthContext, refuseIn, refuseUnlessSenderJoined } from './auth-context.js';
import { membershipOf } from './auth-state.js';
import { checkThirdPartyInvite } from './check-third-party-invite.js';
import { hasProperty } from './content.js';
import { ALLOWED, type AuthDecision } from './decision.js';

/** m.room.member with membership `invite`. @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules */
export function checkInvite(context: AuthContext, target: string): AuthDecision {
  const { levels, pdu, state } = context;
  if (hasProperty(pdu.content, 'third_party_invite')) return checkThirdPartyInvite(context, target);
  const absent = refuseUnlessSenderJoined(context, 'member.invite.sender');
  if (absent !== undefined) return absent;
  const membership = membershipOf(state, target);
  if (membership === 'join' || membership === 'ban') {
    return refuseIn(context, 'member.invite.target', `${target} cannot be invited with membership ${membership}`);
  }
  const level = levels.forUser(pdu.sender);
  if (level >= levels.invite) return ALLOWED;
  const reason = `${pdu.sender} has power level ${level} but inviting requires ${levels.invite}`;
  return refuseIn(context, 'member.invite.otherwise', reason);
}
