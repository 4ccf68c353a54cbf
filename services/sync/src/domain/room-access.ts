import { MatrixError } from '@ganglion/contracts';
import type { ReadModel, RoomRecord } from './ports.js';
import { MembershipHistory } from './visibility.js';

/** A room as far as one user may look into it. */
export interface RoomAccess {
  readonly room: RoomRecord;
  readonly history: MembershipHistory;
  /** Nothing above this position is the user's to see. */
  readonly upTo: number;
}

/**
 * What a user may see of a room: all of it while they are in it or the world may read it, what came before their leaving when
 * they were in it.
 *
 * @throws MatrixError M_FORBIDDEN, also for rooms that do not exist: nobody learns which rooms do
 */
export async function accessRoom(model: ReadModel, roomId: string, userId: string, upTo: number): Promise<RoomAccess> {
  const room = await model.findRoom(roomId);
  if (room === undefined) throw notInRoom(userId);
  const history = new MembershipHistory(userId, await model.entryVersions(room.nid, 'm.room.member', userId));
  const leftAt = history.leftAt;
  if (history.everJoined && leftAt === undefined) return { room, history, upTo };
  const [visibility] = (await model.entryVersions(room.nid, 'm.room.history_visibility', '')).slice(-1);
  if (visibility?.event?.visibility === 'world_readable') return { room, history, upTo };
  if (!history.everJoined) throw notInRoom(userId);
  return { room, history, upTo: Math.min(upTo, leftAt ?? upTo) };
}

function notInRoom(userId: string): MatrixError {
  return new MatrixError(403, 'M_FORBIDDEN', `${userId} is not in the room`);
}
