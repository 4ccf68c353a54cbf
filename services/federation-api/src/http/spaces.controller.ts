import type { RoomSummaries, RoomSummary } from '@ganglion/contracts/room';
import { type Asked, AskedBy, FederationGuard } from '@ganglion/federation';
import { Path, Query } from '@ganglion/http';
import { booleanText } from '@ganglion/http/values';
import { Controller, Get, Inject, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { roomPath } from './parameters.js';
import { ROOM_SUMMARIES } from './tokens.js';

const hierarchyQuery = z.object({ suggested_only: booleanText.default(false) });

/** Spaces of ours and their rooms, for users of other servers who may see them. */
@Controller('_matrix/federation/v1')
@UseGuards(FederationGuard)
export class SpacesController {
  constructor(@Inject(ROOM_SUMMARIES) private readonly rooms: RoomSummaries) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid */
  @Get('hierarchy/:roomId')
  async getSpaceHierarchy(
    @AskedBy() { origin: serverName }: Asked,
    @Path(roomPath) { roomId }: z.infer<typeof roomPath>,
    @Query(hierarchyQuery) { suggested_only: suggestedOnly }: z.infer<typeof hierarchyQuery>,
  ) {
    const answer = await this.rooms.getSpaceForServer({ serverName, roomId, suggestedOnly });
    return {
      room: { ...bodyOf(answer.room!), children_state: JSON.parse(answer.room!.childrenStateJson) },
      children: answer.children.map(bodyOf),
      inaccessible_children: answer.inaccessibleChildren,
    };
  }
}

function bodyOf({ roomId, roomVersion, numJoinedMembers, summaryJson }: RoomSummary): object {
  return {
    ...{ room_id: roomId, room_version: roomVersion, num_joined_members: numJoinedMembers },
    ...JSON.parse(summaryJson),
  };
}
