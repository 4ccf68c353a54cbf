import { AnswersJsonText, Authenticated, Path, Query, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { Controller, Get, Inject } from '@nestjs/common';
import type { z } from 'zod';
import { RoomRelations } from '../domain/history/room-relations.js';
import { relationsPath, relationsQuery, roomPath, threadsQuery } from './parameters.js';

type RelationsPath = z.infer<typeof relationsPath>;
type RelationsQuery = z.infer<typeof relationsQuery>;

/** Older clients know these by other names: relations were unstable for long. */
const VERSIONS = ['_matrix/client/v1/rooms/:roomId', '_matrix/client/unstable/rooms/:roomId'];

@Controller(VERSIONS)
@Authenticated()
export class RelationsController {
  constructor(@Inject(RoomRelations) private readonly relations: RoomRelations) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidrelationseventid */
  @Get('relations/:eventId')
  @RateLimited('room_reads')
  @AnswersJsonText()
  getRelatingEvents(
    @RequestedBy() requester: Requester,
    @Path(relationsPath) path: RelationsPath,
    @Query(relationsQuery) query: RelationsQuery,
  ): Promise<string> {
    return this.#relating(requester, path, query);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidrelationseventidreltype */
  @Get('relations/:eventId/:relType')
  @RateLimited('room_reads')
  @AnswersJsonText()
  getRelatingEventsWithRelType(
    @RequestedBy() requester: Requester,
    @Path(relationsPath) path: RelationsPath,
    @Query(relationsQuery) query: RelationsQuery,
  ): Promise<string> {
    return this.#relating(requester, path, query);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidrelationseventidreltypeeventtype */
  @Get('relations/:eventId/:relType/:eventType')
  @RateLimited('room_reads')
  @AnswersJsonText()
  getRelatingEventsWithRelTypeAndEventType(
    @RequestedBy() requester: Requester,
    @Path(relationsPath) path: RelationsPath,
    @Query(relationsQuery) query: RelationsQuery,
  ): Promise<string> {
    return this.#relating(requester, path, query);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidthreads */
  @Get('threads')
  @RateLimited('room_reads')
  @AnswersJsonText()
  getThreadRoots(
    @RequestedBy() { userId, deviceId, deviceNid }: Requester,
    @Path(roomPath) { roomId }: z.infer<typeof roomPath>,
    @Query(threadsQuery) query: z.infer<typeof threadsQuery>,
  ): Promise<string> {
    return this.relations.getThreadRoots({ userId, deviceId, deviceNid, roomId, ...query });
  }

  #relating({ userId, deviceId, deviceNid }: Requester, path: RelationsPath, { dir, ...query }: RelationsQuery) {
    const { roomId, eventId, relType, eventType } = path;
    const direction = dir === 'b' ? 'backwards' : 'forwards';
    const request = { userId, deviceId, deviceNid, roomId, eventId, relType, eventType, direction, ...query } as const;
    return this.relations.getRelatingEvents(request);
  }
}
