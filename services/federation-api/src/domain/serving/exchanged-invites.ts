import { isMatrixError, MatrixError } from '@ganglion/contracts';
import type { RemoteRooms } from '@ganglion/contracts/federation';
import type { RoomReads } from '@ganglion/contracts/room';
import { domainOf, isJsonObject, type JsonObject, parseJson } from '@ganglion/protocol';

/** What an identity server has signed for whoever owns an address. */
export interface SignedForUser {
  readonly mxid: string;
  readonly token: string;
  readonly signatures: JsonObject;
}

/** An invite that a server asks for, of one of its users who was invited by an address of theirs. */
export interface WantedInvite {
  readonly origin: string;
  readonly roomId: string;
  /** Whoever invited the address. */
  readonly sender: string;
  readonly target: string;
  readonly displayName: string | undefined;
  readonly signed: SignedForUser;
}

export interface ExchangeDependencies {
  readonly remoteRooms: Pick<RemoteRooms, 'inviteUser'>;
  readonly roomReads: Pick<RoomReads, 'getState'>;
  readonly isOurs: (serverName: string) => boolean;
}

const LONGEST_MS = 60_000;

/** Makes invites of users of other servers out of invites of their addresses. */
export class ExchangedInvites {
  constructor(private readonly deps: ExchangeDependencies) {}

  /**
   * Invites the user, in the name of whoever invited the address. Whether the identity server has signed it is part of the rules by
   * which the invite is authorised.
   *
   * @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM
   * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1exchange_third_party_inviteroomid
   */
  async exchange(wanted: WantedInvite): Promise<void> {
    const { origin, roomId, sender, target, signed } = wanted;
    if (!this.deps.isOurs(domainOf(sender))) throw invalid('sender is no user of this server');
    if (domainOf(target) !== origin) throw invalid(`state_key is no user of ${origin}`);
    if (signed.mxid !== target) throw invalid('signed is for another user than state_key');
    const display_name = wanted.displayName ?? (await this.#displayName(wanted));
    const content = { membership: 'invite', third_party_invite: { display_name, signed } };
    const request = { roomId, sender, target, contentJson: JSON.stringify(content) };
    for (const end = Date.now() + LONGEST_MS; Date.now() < end; ) {
      if (!(await this.deps.remoteRooms.inviteUser(request)).pending) return;
    }
    throw new MatrixError(504, 'M_UNKNOWN', 'The invite takes too long; it may still be made');
  }

  /** As the room was told when the address was invited. */
  async #displayName({ roomId, sender, signed }: WantedInvite): Promise<string> {
    const asked = { roomId, userId: sender, type: 'm.room.third_party_invite', stateKey: signed.token };
    try {
      const [event] = (await this.deps.roomReads.getState(asked)).events;
      const pdu = event === undefined ? undefined : parseJson(event.pduJson);
      const content = isJsonObject(pdu) ? pdu.content : undefined;
      return isJsonObject(content) && typeof content.display_name === 'string' ? content.display_name : '';
    } catch (error) {
      // Whether the sender may invite at all is asked next.
      if (isMatrixError(error)) return '';
      throw error;
    }
  }
}

function invalid(message: string): MatrixError {
  return new MatrixError(400, 'M_INVALID_PARAM', message);
}
