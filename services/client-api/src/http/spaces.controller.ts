import { Authenticated, Path, Query, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { limitText, userId } from '@ganglion/http/values';
import { Controller, Get, Inject } from '@nestjs/common';
import { z } from 'zod';
import { resolveRoom } from '../domain/membership.js';
import { mutualRooms } from '../domain/mutual-rooms.js';
import type { Owners } from '../domain/ports.js';
import { roomSummary } from '../domain/room-summaries.js';
import { spaceHierarchy } from '../domain/space-hierarchy.js';
import { roomIdOrAliasPath, roomPath, viaQuery } from './parameters.js';
import { OWNERS } from './tokens.js';

const LARGEST_PAGE = 100;
const USUAL_PAGE = 50;

const hierarchyQuery = z.object({
  suggested_only: z.enum(['true', 'false']).default('false'),
  limit: limitText.transform((limit) => Math.min(Math.max(limit, 1), LARGEST_PAGE)).default(USUAL_PAGE),
  max_depth: limitText.optional(),
  from: z.string().optional(),
});
const mutualQuery = z.object({ user_id: userId, from: z.string().optional() });

/** Rooms as one sees them without being in them, and which ones one shares with others. */
@Controller('_matrix/client')
@Authenticated()
export class SpacesController {
  constructor(@Inject(OWNERS) private readonly owners: Owners) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy */
  @Get('v1/rooms/:roomId/hierarchy')
  @RateLimited('room_reads')
  getSpaceHierarchy(
    @RequestedBy() requester: Requester,
    @Path(roomPath) { roomId }: z.infer<typeof roomPath>,
    @Query(hierarchyQuery) query: z.infer<typeof hierarchyQuery>,
  ) {
    return spaceHierarchy(this.owners, {
      ...{ roomId, userId: requester.userId, limit: query.limit, from: query.from },
      ...{ suggestedOnly: query.suggested_only === 'true', maxDepth: query.max_depth },
    });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias */
  @Get([
    'v1/room_summary/:roomIdOrAlias',
    'unstable/im.nheko.summary/summary/:roomIdOrAlias',
    'unstable/im.nheko.summary/rooms/:roomIdOrAlias/summary',
  ])
  @RateLimited('room_reads')
  async getRoomSummary(
    @RequestedBy() requester: Requester,
    @Path(roomIdOrAliasPath) { roomIdOrAlias }: z.infer<typeof roomIdOrAliasPath>,
    @Query(viaQuery) via: z.infer<typeof viaQuery>,
  ) {
    const { roomId, servers } = await resolveRoom(this.owners, roomIdOrAlias);
    return roomSummary(this.owners, roomId, requester.userId, [...via, ...servers]);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mutual_rooms */
  @Get(['v1/mutual_rooms', 'unstable/uk.half-shot.msc2666/user/mutual_rooms'])
  @RateLimited('room_reads')
  getMutualRooms(@RequestedBy() requester: Requester, @Query(mutualQuery) query: z.infer<typeof mutualQuery>) {
    return mutualRooms(this.owners, requester.userId, query.user_id, query.from);
  }
}
