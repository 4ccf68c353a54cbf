import { MatrixError } from '@ganglion/contracts';
import type { RoomSummary } from '@ganglion/contracts/room';
import type { JsonObject } from '@ganglion/protocol';
import type { Owners } from './ports.js';
import { RoomsElsewhere } from './rooms-elsewhere.js';

/** A room as clients are shown it from outside. */
export function summaryBody({ roomId, roomVersion, numJoinedMembers, summaryJson }: RoomSummary): JsonObject {
  return {
    ...{ room_id: roomId, num_joined_members: numJoinedMembers, room_version: roomVersion },
    ...JSON.parse(summaryJson),
  };
}

/**
 * One room as it is shown to somebody who need not be in it.
 *
 * @throws MatrixError M_NOT_FOUND, also for a room that must not be shown to them
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias
 */
export async function roomSummary(
  owners: Owners,
  roomId: string,
  userId: string,
  via: readonly string[],
): Promise<JsonObject> {
  const { summaries } = await owners.roomSummaries.getRoomSummaries({ roomIds: [roomId], userId });
  const room = summaries[0] ?? (await new RoomsElsewhere(owners, userId).get(roomId, via));
  if (room === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such room that may be shown to you');
  return { ...summaryBody(room), membership: room.membership ?? 'leave' };
}
