import { MatrixError } from '@ganglion/contracts';
import { powerLevelsOf, roomsThatMayJoin, splitStateTuple } from '@ganglion/protocol';
import type { RoomStore } from './ports.js';
import type { RoomHead } from './room-head.js';

/**
 * For a room with a restricted join rule: one of our joined users with the power to invite, provided that the joining user
 * is in one of the rooms that the rule allows. Undefined when the room's rule is another one.
 *
 * @throws MatrixError M_FORBIDDEN when the user is in none of the rooms, M_UNABLE_TO_GRANT_JOIN when nobody here may let
 *   them in
 * @see https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms
 */
export async function authorisingUser(
  store: RoomStore,
  head: RoomHead,
  userId: string,
  isLocal: (userId: string) => boolean,
): Promise<string | undefined> {
  const allowed = roomsThatMayJoin(head.event('m.room.join_rules', '')?.pdu.content, head.rules);
  if (allowed === undefined) return undefined;
  const joined = await store.listMemberships(userId, ['join']);
  if (!joined.some(({ roomId }) => allowed.has(roomId))) {
    throw new MatrixError(403, 'M_FORBIDDEN', 'You are in none of the rooms whose members may join this one');
  }
  const user = inviter(head, isLocal);
  if (user === undefined) {
    throw new MatrixError(400, 'M_UNABLE_TO_GRANT_JOIN', 'No user of this server may let others into the room');
  }
  return user;
}

function inviter(head: RoomHead, isLocal: (userId: string) => boolean): string | undefined {
  const levels = powerLevelsOf((type, stateKey) => head.event(type, stateKey), head.rules);
  for (const [tuple, entry] of head.state) {
    if (entry.membership !== 'join') continue;
    const [, userId] = splitStateTuple(tuple);
    if (isLocal(userId) && levels.forUser(userId) >= levels.invite) return userId;
  }
  return undefined;
}
