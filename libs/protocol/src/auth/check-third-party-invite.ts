import type { RoomEvent } from '../events/pdu.js';
import type { JsonObject } from '../json/json-value.js';
import { isJsonObject } from '../json/json-value.js';
import { type AuthContext, refuseIn } from './auth-context.js';
import { membershipOf } from './auth-state.js';
import { ownProperty, stringProperty } from './content.js';
import { ALLOWED, type AuthDecision } from './decision.js';
import { verifyThirdPartySignature } from './third-party-signature.js';

/** An identity server has one or two. Each is tried with each signature, and whoever writes an event could name a thousand of both. */
const MOST_KEYS = 16;

/**
 * An invite that answers an m.room.third_party_invite: whoever owned an e-mail address or a phone number proved to an
 * identity server to be the invited user.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules
 */
export function checkThirdPartyInvite(context: AuthContext, target: string): AuthDecision {
  const { pdu, state } = context;
  if (membershipOf(state, target) === 'ban') {
    return refuseIn(context, 'member.invite.third_party.banned', `${target} is banned from the room`);
  }
  const signed = ownProperty(ownProperty(pdu.content, 'third_party_invite'), 'signed');
  if (!isJsonObject(signed)) {
    return refuseIn(context, 'member.invite.third_party.signed', 'third_party_invite has no signed object');
  }
  const mxid = stringProperty(signed, 'mxid');
  const token = stringProperty(signed, 'token');
  if (mxid === undefined || token === undefined) {
    return refuseIn(context, 'member.invite.third_party.properties', 'signed has no mxid or no token');
  }
  if (mxid !== target) {
    return refuseIn(context, 'member.invite.third_party.mxid', `${target} is invited but ${mxid} was signed for`);
  }
  return checkAgainstInvitation(context, signed, token);
}

function checkAgainstInvitation(context: AuthContext, signed: JsonObject, token: string): AuthDecision {
  const { options, pdu, state } = context;
  const invitation = state('m.room.third_party_invite', token);
  if (invitation === undefined) {
    return refuseIn(context, 'member.invite.third_party.token', `the room has no third-party invite ${token}`);
  }
  if (invitation.pdu.sender !== pdu.sender) {
    const reason = `${pdu.sender} did not send the third-party invite ${token}`;
    return refuseIn(context, 'member.invite.third_party.sender', reason);
  }
  const verify = options.verifySignature ?? verifyThirdPartySignature;
  if (publicKeysOf(invitation).some((publicKey) => verify(signed, publicKey))) return ALLOWED;
  const reason = `no signature matches a public key of the third-party invite ${token}`;
  return refuseIn(context, 'member.invite.third_party.otherwise', reason);
}

function publicKeysOf({ pdu }: RoomEvent): string[] {
  const list = ownProperty(pdu.content, 'public_keys');
  const listed = Array.isArray(list) ? list.map((entry) => stringProperty(entry, 'public_key')) : [];
  const keys = [stringProperty(pdu.content, 'public_key'), ...listed].filter((key) => key !== undefined);
  return [...new Set(keys)].slice(0, MOST_KEYS);
}
