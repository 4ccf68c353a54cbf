import { MatrixError } from '@ganglion/contracts';
import { type FederationAgent, RemoteRefusal, UnreachableServerError } from '@ganglion/federation';
import { domainOf } from '@ganglion/protocol';
import type { InvitingServers } from '../domain/ports/inviting-servers.js';
import type { ClaimedInvite } from '../domain/serving/third-party-proof.js';

const TIMEOUT_MS = 30_000;

/** Asks servers for invites, over HTTP. */
export class HttpInvitingServers implements InvitingServers {
  constructor(private readonly agent: Pick<FederationAgent, 'request'>) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1exchange_third_party_inviteroomid */
  async exchange(userId: string, { roomId, sender, signed }: ClaimedInvite): Promise<void> {
    // What the address is called is known to the room.
    const content = { membership: 'invite', third_party_invite: { display_name: '', signed: { ...signed } } };
    const path = `/_matrix/federation/v1/exchange_third_party_invite/${encodeURIComponent(roomId)}`;
    const body = { type: 'm.room.member', room_id: roomId, sender, state_key: userId, content };
    const asked = { origin: domainOf(userId), destination: domainOf(sender), method: 'PUT', path, body } as const;
    try {
      await this.agent.request({ ...asked, timeoutMs: TIMEOUT_MS });
    } catch (error) {
      if (error instanceof UnreachableServerError) throw new MatrixError(502, 'M_UNKNOWN', error.message);
      if (!(error instanceof RemoteRefusal)) throw error;
      throw new MatrixError(error.isTemporary ? 502 : error.status, error.errcode || 'M_UNKNOWN', error.message);
    }
  }
}
