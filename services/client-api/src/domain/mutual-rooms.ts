import { MatrixError } from '@ganglion/contracts';
import type { Owners } from './ports.js';

const PAGE = 100;

/**
 * The rooms that two users have joined both.
 *
 * @throws MatrixError M_INVALID_PARAM for oneself, and for what is no token
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mutual_rooms
 */
export async function mutualRooms({ roomReads }: Owners, userId: string, otherId: string, from: string | undefined) {
  if (userId === otherId) throw new MatrixError(400, 'M_INVALID_PARAM', 'user_id: that is you');
  const after = from === undefined ? '' : parseToken(from);
  const joinedBy = async (user: string) => {
    const { rooms } = await roomReads.listMemberships({ userId: user, memberships: ['join'] });
    return rooms.map(({ roomId }) => roomId);
  };
  const [own, theirs] = await Promise.all([joinedBy(userId), joinedBy(otherId)]);
  const others = new Set(theirs);
  const mutual = own.filter((roomId) => others.has(roomId)).sort();
  const rest = mutual.filter((roomId) => roomId > after);
  const joined = rest.slice(0, PAGE);
  const more = rest.length > PAGE && { next_batch: formatToken(joined.at(-1)!) };
  return { joined, count: mutual.length, ...more };
}

/** The last room of a page. */
function formatToken(roomId: string): string {
  return Buffer.from(roomId).toString('base64url');
}

function parseToken(token: string): string {
  const roomId = Buffer.from(token, 'base64url').toString();
  if (!roomId.startsWith('!'))
    throw new MatrixError(400, 'M_INVALID_PARAM', 'from is not a token of an earlier answer');
  return roomId;
}
