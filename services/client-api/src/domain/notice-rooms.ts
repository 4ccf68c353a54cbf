import { MatrixError } from '@ganglion/contracts';
import type { Owners } from './ports.js';

/**
 * What the server has to say is not declined: who has joined the room for it may leave that.
 *
 * @throws MatrixError M_CANNOT_LEAVE_SERVER_NOTICE_ROOM
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-notices
 */
export async function checkMayLeave(owners: Owners, { roomId, userId }: { roomId: string; userId: string }) {
  const { membership, membershipSender } = await owners.roomIntake.getStanding({ roomId, userId });
  if (membership !== 'invite' || !owners.isServer(membershipSender)) return;
  throw new MatrixError(
    403,
    'M_CANNOT_LEAVE_SERVER_NOTICE_ROOM',
    'An invite to the room for notices of the server cannot be declined',
  );
}
