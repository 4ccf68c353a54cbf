import type { Config } from '@ganglion/config';
import { type RateLimiter, takeOrThrow } from '@ganglion/contracts';
import {
  AnswersJsonText,
  Authenticated,
  arrayOf,
  Draining,
  inObject,
  Path,
  Query,
  RATE_LIMITER,
  RateLimited,
  RequestedBy,
  type Requester,
  streamJson,
  TOKEN_REVOCATIONS,
  type TokenRevocations,
} from '@ganglion/http';
import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { OldSync } from '../domain/old/old-sync.js';
import { eventsQuery, initialSyncQuery, oldEventPath, roomInitialSyncQuery, roomPath } from './parameters.js';
import { SYNC_CONFIG } from './sync.controller.js';
import { whileConnected } from './while-connected.js';

/** How clients followed rooms before /sync, and how they look into rooms that they are not in. */
@Controller('_matrix/client/v3')
@Authenticated({ guests: true })
export class OldSyncController {
  constructor(
    @Inject(OldSync) private readonly old: OldSync,
    @Inject(Draining) private readonly draining: Draining,
    @Inject(SYNC_CONFIG) private readonly config: Config['sync'],
    @Inject(RATE_LIMITER) private readonly limiter: RateLimiter,
    @Inject(TOKEN_REVOCATIONS) private readonly revocations: TokenRevocations,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidinitialsync */
  @Get('rooms/:roomId/initialSync')
  async roomInitialSync(
    @RequestedBy() { userId, deviceId, deviceNid }: Requester,
    @Path(roomPath) { roomId }: z.output<typeof roomPath>,
    @Query(roomInitialSyncQuery) { limit }: z.output<typeof roomInitialSyncQuery>,
  ) {
    await takeOrThrow(this.limiter, 'initial_sync', userId);
    const { texts, state } = await this.old.roomInitialSync({ userId, deviceId, deviceNid, roomId }, limit);
    return streamJson(inObject({ ...texts, state: arrayOf(state) }));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3initialsync */
  @Get('initialSync')
  @AnswersJsonText()
  async initialSync(
    @RequestedBy() { userId }: Requester,
    @Query(initialSyncQuery) { limit, archived }: z.output<typeof initialSyncQuery>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await takeOrThrow(this.limiter, 'old_initial_sync', userId);
    return whileConnected(this.draining, reply, (signal) => this.old.initialSync({ userId, signal }, limit, archived));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3eventseventid */
  @Get('events/:eventId')
  @Authenticated()
  @RateLimited('room_reads')
  @AnswersJsonText()
  getOneEvent(
    @RequestedBy() { userId, deviceId, deviceNid }: Requester,
    @Path(oldEventPath) { eventId }: z.output<typeof oldEventPath>,
  ): Promise<string> {
    return this.old.event({ userId, deviceId, deviceNid }, eventId);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3events */
  @Get('events')
  @RateLimited('room_reads')
  @AnswersJsonText()
  getEvents(
    @RequestedBy() requester: Requester,
    @Query(eventsQuery) { from, room_id: roomId, timeout }: z.output<typeof eventsQuery>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const timeoutMs = Math.min(timeout, this.config.max_timeout_ms);
    const answer = whileConnected(this.draining, reply, (signal) => {
      const request = { userId: requester.userId, from: from?.position, timeoutMs, signal };
      return roomId === undefined ? this.old.events(request) : this.old.eventsInRoom(request, roomId);
    });
    return this.revocations.whileValid(requester, answer);
  }
}
