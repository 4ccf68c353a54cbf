import { MatrixError } from '@ganglion/contracts';

export interface VisibleEvent {
  readonly eventId: string;
  readonly pduJson: string;
}

/** What the state of rooms is read from. */
export interface StateSource {
  membership(roomId: string, userId: string): Promise<UserInRoom | undefined>;
  current(roomNid: number, type?: string, stateKey?: string): Promise<VisibleEvent[]>;
  around(eventNid: number, side: 'before' | 'after', type?: string, stateKey?: string): Promise<VisibleEvent[]>;
}

export interface UserInRoom {
  readonly roomNid: number;
  readonly roomVersion: string;
  readonly membership: string | undefined;
  readonly eventNid: number | undefined;
  readonly historyVisibility: string | undefined;
}

export interface StateQuery {
  readonly roomId: string;
  readonly userId: string;
  readonly type?: string | undefined;
  readonly stateKey?: string | undefined;
}

/**
 * The state of a room as the user may see it: as it is now for members and in rooms that the world may read, as it was when
 * they left for those who had joined.
 *
 * @throws MatrixError M_FORBIDDEN, also for a room that does not exist: nobody learns which rooms do
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstate
 */
export async function visibleState(source: StateSource, query: StateQuery) {
  const { roomId, userId, type, stateKey } = query;
  const user = await source.membership(roomId, userId);
  if (user === undefined) throw notInRoom(userId);
  const { roomVersion: version } = user;
  if (user.membership === 'join' || user.historyVisibility === 'world_readable') {
    return { version, events: await source.current(user.roomNid, type, stateKey) };
  }
  if (user.eventNid === undefined || !(await hadJoined(source, user, userId))) throw notInRoom(userId);
  return { version, events: await source.around(user.eventNid, 'after', type, stateKey) };
}

/** Whoever declined an invite has left too, but has never seen the room. */
async function hadJoined(source: StateSource, user: UserInRoom, userId: string): Promise<boolean> {
  if (user.membership !== 'leave' && user.membership !== 'ban') return false;
  const [before] = await source.around(user.eventNid ?? 0, 'before', 'm.room.member', userId);
  return before !== undefined && JSON.parse(before.pduJson).content.membership === 'join';
}

function notInRoom(userId: string): MatrixError {
  return new MatrixError(403, 'M_FORBIDDEN', `${userId} is not in the room`);
}
