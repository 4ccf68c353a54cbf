import { MatrixError } from '@ganglion/contracts';
import type { ReadModel, RoomRecord } from '../ports/read-model.js';
import { MembershipHistory } from './visibility.js';

/** A room as far as one user may look into it. */
export interface RoomAccess {
  readonly room: RoomRecord;
  readonly history: MembershipHistory;
  /** Nothing above this position is the user's to see. */
  readonly upTo: number;
  /** Nor is the room's state above this one. */
  readonly stateUpTo: number;
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
  if (history.everJoined && leftAt === undefined) return { room, history, upTo, stateUpTo: upTo };
  const [visibility] = (await model.entryVersions(room.nid, 'm.room.history_visibility', '')).slice(-1);
  if (visibility?.event?.visibility === 'world_readable') return { room, history, upTo, stateUpTo: upTo };
  if (!history.everJoined || (await isForgotten(model, userId, room.nid, leftAt))) throw notInRoom(userId);
  const until = (position = upTo) => Math.min(upTo, position);
  return { room, history, upTo: until(leftAt), stateUpTo: until(history.departedAt) };
}

async function isForgotten(model: ReadModel, userId: string, roomNid: number, leftAt = 0): Promise<boolean> {
  return ((await model.forgotten(userId)).get(roomNid) ?? 0) >= leftAt;
}

/**
 * Forgets a room that the user has left.
 *
 * @throws MatrixError M_UNKNOWN (400) while they are in it, or when they never were
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidforget
 */
export async function forgetRoom(model: ReadModel, roomId: string, userId: string): Promise<void> {
  const room = await model.findRoom(roomId);
  const versions = room === undefined ? [] : await model.entryVersions(room.nid, 'm.room.member', userId);
  const last = versions.at(-1);
  if (room === undefined || last === undefined || !['leave', 'ban'].includes(last.event?.membership ?? 'leave')) {
    throw new MatrixError(400, 'M_UNKNOWN', 'Only a room that you have left can be forgotten');
  }
  await model.forget(userId, room.nid, last.position);
}

function notInRoom(userId: string): MatrixError {
  return new MatrixError(403, 'M_FORBIDDEN', `${userId} is not in the room`);
}
