import { isUnknownCall, partsOf } from '@ganglion/contracts';
import type { RoomDescription, RoomIntake } from '@ganglion/contracts/room';

interface InRoom {
  readonly roomId: string;
}

interface OfUser extends InRoom {
  readonly userId: string;
}

/** More rooms at once nobody has news of. */
const MOST_ROOMS = 500;
/** What a message holds. */
const USERS_AT_ONCE = 2_000;

/** Those of things in rooms that a server may have a say in: it takes part, we do, and it is not shut out. */
async function inRoomsOf<T extends InRoom>(
  intake: Pick<RoomIntake, 'describeRooms'>,
  serverName: string,
  things: readonly T[],
): Promise<T[]> {
  const roomIds = [...new Set(things.map(({ roomId }) => roomId))].slice(0, MOST_ROOMS);
  if (roomIds.length === 0) return [];
  const { rooms } = await intake.describeRooms({ roomIds, serverName });
  const allowed = new Set(rooms.flatMap((room) => (mayBeHeard(room) ? [room.roomId] : [])));
  return things.filter(({ roomId }) => allowed.has(roomId));
}

function mayBeHeard({ participating, serverJoined, serverShutOut, blocked }: RoomDescription): boolean {
  return participating && serverJoined && !serverShutOut && !blocked;
}

/** Those of what users do in rooms that their server may have a say in, and that they are in themselves. */
export async function ofUsersIn<T extends OfUser>(
  intake: Pick<RoomIntake, 'describeRooms' | 'listJoinedAmong'>,
  serverName: string,
  things: readonly T[],
): Promise<T[]> {
  const allowed = await inRoomsOf(intake, serverName, things);
  const users = new Map(allowed.map(({ roomId, userId }) => [keyOf({ roomId, userId }), { roomId, userId }]));
  const joined = new Set<string>();
  for (const part of partsOf([...users.values()], USERS_AT_ONCE)) {
    for (const user of await joinedAmong(intake, part)) joined.add(keyOf(user));
  }
  return allowed.filter((thing) => joined.has(keyOf(thing)));
}

/** A room-server of the release before cannot tell: then it is for the server to say. */
async function joinedAmong(intake: Pick<RoomIntake, 'listJoinedAmong'>, users: OfUser[]): Promise<readonly OfUser[]> {
  try {
    return (await intake.listJoinedAmong({ users })).joined;
  } catch (error) {
    if (!isUnknownCall(error)) throw error;
    return users;
  }
}

function keyOf({ roomId, userId }: OfUser): string {
  return `${roomId} ${userId}`;
}
