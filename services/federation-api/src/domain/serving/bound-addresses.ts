import { isMatrixError, MatrixError } from '@ganglion/contracts';
import { MembershipAction, type Rooms } from '@ganglion/contracts/room';
import type { Users } from '@ganglion/contracts/user';
import { domainOf, type JsonObject } from '@ganglion/protocol';
import type { InvitingServers } from '../ports/inviting-servers.js';
import { type ClaimedInvite, type ProofDependencies, provenInvite } from './third-party-proof.js';

/** A user of ours whose an address is now, and the invites that have waited for that. */
export interface BoundAddress {
  readonly userId: string;
  readonly invites: readonly ClaimedInvite[];
}

export interface BoundAddressesDependencies extends ProofDependencies {
  readonly rooms: Pick<Rooms, 'changeMembership'>;
  readonly users: Pick<Users, 'getProfile'>;
  readonly inviting: InvitingServers;
  /** @throws MatrixError M_INVITE_BLOCKED */
  readonly checkIsWanted: (userId: string, sender: string) => Promise<void>;
  readonly isOurs: (serverName: string) => boolean;
  readonly logger: { info(fields: object, message: string): void };
}

/** Makes invites of our users out of invites of their addresses, when an identity server tells whose they are. */
export class BoundAddresses {
  constructor(private readonly deps: BoundAddressesDependencies) {}

  /**
   * Each invite stands for itself: those that are refused are no invites, and nobody is told which they were.
   *
   * @throws MatrixError M_INVALID_PARAM, M_NOT_FOUND for who is no user of ours, M_UNKNOWN (502) when a server could not be asked: it may
   *   be told again
   * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv13pidonbind
   */
  async bound({ userId, invites }: BoundAddress): Promise<void> {
    if (!this.deps.isOurs(domainOf(userId))) throw invalid('mxid is no user of this server');
    if (invites.some(({ signed }) => signed.mxid !== userId)) throw invalid('an invite is signed for another user');
    const profile = await this.#profileOf(userId);
    const done = await Promise.all(invites.map((invite) => this.#tried(userId, profile, invite)));
    if (done.every((isDone) => isDone)) return;
    throw new MatrixError(502, 'M_UNKNOWN', 'A server whose user has sent an invite could not be asked');
  }

  /**
   * As `bound`, for one invite that the user brings themselves.
   *
   * @throws MatrixError M_FORBIDDEN when it is not for them or the room does not know of it, and as whoever invited the address refuses
   */
  async claim(userId: string, invite: ClaimedInvite): Promise<void> {
    if (invite.signed.mxid !== userId)
      throw new MatrixError(403, 'M_FORBIDDEN', 'The invite is signed for another user');
    await this.#exchange(userId, await this.#profileOf(userId), invite);
  }

  async #profileOf(userId: string): Promise<JsonObject> {
    const { profileJson } = await this.deps.users.getProfile({ userId });
    return JSON.parse(profileJson) as JsonObject;
  }

  async #exchange(userId: string, profile: JsonObject, invite: ClaimedInvite): Promise<void> {
    const isLocal = this.deps.isOurs(domainOf(invite.sender));
    await (isLocal ? this.#invite(userId, profile, invite) : this.deps.inviting.exchange(userId, invite));
  }

  /** Whether there is nothing left to do. */
  async #tried(userId: string, profile: JsonObject, invite: ClaimedInvite): Promise<boolean> {
    try {
      await this.#exchange(userId, profile, invite);
      return true;
    } catch (error) {
      if (!isMatrixError(error)) throw error;
      const { roomId: room_id, sender } = invite;
      this.deps.logger.info({ err: error, room_id, sender }, 'an invite of an address has become none of its user');
      return error.status < 500;
    }
  }

  async #invite(target: string, { displayname, avatar_url }: JsonObject, invite: ClaimedInvite): Promise<void> {
    const { roomId, sender, signed } = invite;
    await this.deps.checkIsWanted(target, sender);
    const content = {
      ...(displayname !== undefined && { displayname }),
      ...(avatar_url !== undefined && { avatar_url }),
      third_party_invite: await provenInvite(this.deps, invite),
    };
    await this.deps.rooms.changeMembership({
      ...{ roomId, sender, target, action: MembershipAction.INVITE, contentJson: JSON.stringify(content) },
      // The identity server may tell it again.
      requestId: `third-party invite ${signed.token} ${target}`,
    });
  }
}

function invalid(message: string): MatrixError {
  return new MatrixError(400, 'M_INVALID_PARAM', message);
}
