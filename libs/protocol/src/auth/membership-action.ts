/** What users do to their own membership, or to that of others. */
export type MembershipAction = 'join' | 'leave' | 'invite' | 'kick' | 'ban' | 'unban' | 'knock';

interface Transition {
  readonly to: string;
  /** From which memberships, where the authorisation rules let more through than was meant. */
  readonly from?: readonly string[];
}

const IN_TOUCH = ['join', 'invite', 'knock'];

const TRANSITIONS: Readonly<Record<MembershipAction, Transition>> = {
  join: { to: 'join' },
  leave: { to: 'leave', from: IN_TOUCH },
  invite: { to: 'invite' },
  kick: { to: 'leave', from: IN_TOUCH },
  ban: { to: 'ban' },
  unban: { to: 'leave', from: ['ban'] },
  knock: { to: 'knock' },
};

/** The membership that an action leads to. @see https://spec.matrix.org/v1.19/client-server-api/#room-membership */
export function membershipAfter(action: MembershipAction): string {
  return TRANSITIONS[action].to;
}

/**
 * Whether an action can start from a membership. Nobody is kicked out of a room that they are not in, nor unbanned who is
 * not banned, although the rules would let such an event in. Who may do it is for the authorisation rules to say.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-membership
 */
export function canStartFrom(action: MembershipAction, membership: string): boolean {
  return TRANSITIONS[action].from?.includes(membership) ?? true;
}
