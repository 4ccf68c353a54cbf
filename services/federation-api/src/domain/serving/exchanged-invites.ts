import { MatrixError } from '@ganglion/contracts';
import type { RemoteRooms } from '@ganglion/contracts/federation';
import { domainOf } from '@ganglion/protocol';
import { type ClaimedInvite, type ProofDependencies, provenInvite } from './third-party-proof.js';

/** An invite that a server asks for, of one of its users who was invited by an address of theirs. */
export interface WantedInvite extends ClaimedInvite {
  readonly origin: string;
  readonly target: string;
}

export interface ExchangeDependencies extends ProofDependencies {
  readonly remoteRooms: Pick<RemoteRooms, 'inviteUser'>;
  readonly isOurs: (serverName: string) => boolean;
}

const LONGEST_MS = 60_000;

/** Makes invites of users of other servers out of invites of their addresses. */
export class ExchangedInvites {
  constructor(private readonly deps: ExchangeDependencies) {}

  /**
   * Invites the user, in the name of whoever invited the address.
   *
   * @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM
   * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1exchange_third_party_inviteroomid
   */
  async exchange(wanted: WantedInvite): Promise<void> {
    const { origin, roomId, sender, target, signed } = wanted;
    if (!this.deps.isOurs(domainOf(sender))) throw invalid('sender is no user of this server');
    if (domainOf(target) !== origin) throw invalid(`state_key is no user of ${origin}`);
    if (signed.mxid !== target) throw invalid('signed is for another user than state_key');
    const content = { membership: 'invite', third_party_invite: await provenInvite(this.deps, wanted) };
    const request = { roomId, sender, target, contentJson: JSON.stringify(content) };
    for (const end = Date.now() + LONGEST_MS; Date.now() < end; ) {
      if (!(await this.deps.remoteRooms.inviteUser(request)).pending) return;
    }
    throw new MatrixError(504, 'M_UNKNOWN', 'The invite takes too long; it may still be made');
  }
}

function invalid(message: string): MatrixError {
  return new MatrixError(400, 'M_INVALID_PARAM', message);
}
