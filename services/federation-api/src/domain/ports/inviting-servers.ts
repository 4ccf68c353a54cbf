import type { ClaimedInvite } from '../serving/third-party-proof.js';

/** Servers whose users have invited addresses. */
export interface InvitingServers {
  /** Asks whoever invited the address to invite the user. @throws MatrixError as they refuse, with a status of 5xx when they cannot be reached */
  exchange(userId: string, invite: ClaimedInvite): Promise<void>;
}
