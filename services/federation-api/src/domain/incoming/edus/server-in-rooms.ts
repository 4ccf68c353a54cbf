import type { RoomDescription, RoomIntake } from '@ganglion/contracts/room';

interface InRoom {
  readonly roomId: string;
}

/** More rooms at once nobody has news of. */
const MOST_ROOMS = 500;

/** Those of things in rooms that a server may have a say in: it takes part, we do, and it is not shut out. */
export async function inRoomsOf<T extends InRoom>(
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
