import type { RoomDescription, RoomIntake } from '@ganglion/contracts/room';
import { domainOf, isValidUserId } from '@ganglion/protocol';
import type { VerifiedPdu } from '../pdus/pdu-verifier.js';

const ENDED = new Set(['leave', 'ban']);

/**
 * What is sent of rooms that we do not take part in: nothing but that an invite, or a knock, of one of our users has come to its
 * end. Nobody here can say whether its sender may do that: of an invite we believe only the server of the one who made it,
 * as anybody there may have the power to withdraw it.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room
 */
export class OutOfBandPdus {
  constructor(
    private readonly intake: RoomIntake,
    private readonly isOurs: (serverName: string) => boolean,
  ) {}

  /** Why it was not taken; undefined when it was. */
  async take({ roomId, roomVersion }: RoomDescription, { pdu, json }: VerifiedPdu): Promise<string | undefined> {
    const { type, state_key: userId, content, sender } = pdu;
    const ends = type === 'm.room.member' && ENDED.has(String(content.membership));
    if (!ends || !isValidUserId(userId) || !this.isOurs(domainOf(userId)))
      return 'Nobody of this server is in the room';
    const { membership, membershipSender, membershipDepth } = await this.intake.getStanding({ roomId, userId });
    const isOpen = membership === 'invite' || membership === 'knock';
    // A knock was made by our user: whoever answers it does so from the room.
    if (!isOpen || (membership === 'invite' && serverOf(membershipSender) !== serverOf(sender)))
      return 'Nobody of this server is in the room';
    // It may have taken longer than the invite that came after it, which goes another way.
    if (pdu.depth < (membershipDepth ?? 0)) return 'It is older than what it would end';
    await this.intake.putOutOfBandMembership({ roomId, roomVersion, pduJson: json, strippedStateJson: '[]' });
    return undefined;
  }
}

function serverOf(userId: string): string | undefined {
  return isValidUserId(userId) ? domainOf(userId) : undefined;
}
