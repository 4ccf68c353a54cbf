import type { ListPublicRoomsResponse } from './gen/ganglion/room/v1/rooms.js';

/**
 * A page of the room directory as clients and other servers read it.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3publicrooms
 */
export function publicRoomsAnswer({ rooms, total, nextBatch, prevBatch }: ListPublicRoomsResponse) {
  return {
    chunk: rooms.map(({ roomId, numJoinedMembers, summaryJson }) => ({
      room_id: roomId,
      num_joined_members: numJoinedMembers,
      ...JSON.parse(summaryJson),
    })),
    total_room_count_estimate: total,
    ...(nextBatch !== undefined && { next_batch: nextBatch }),
    ...(prevBatch !== undefined && { prev_batch: prevBatch }),
  };
}
