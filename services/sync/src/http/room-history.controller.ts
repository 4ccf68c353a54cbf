import {
  AnswersJsonText,
  Authenticated,
  arrayOf,
  inObject,
  Path,
  Query,
  RateLimited,
  RequestedBy,
  type Requester,
  streamJson,
} from '@ganglion/http';
import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import type { z } from 'zod';
import { Filters } from '../domain/answer/filters.js';
import { RoomHistory } from '../domain/history/room-history.js';
import { contextQuery, eventPath, membersQuery, messagesQuery, roomPath, timestampQuery } from './parameters.js';

type RoomPath = z.infer<typeof roomPath>;
type EventPath = z.infer<typeof eventPath>;

@Controller('_matrix/client/v3/rooms/:roomId')
@Authenticated({ guests: true })
export class RoomHistoryController {
  constructor(
    @Inject(RoomHistory) private readonly history: RoomHistory,
    @Inject(Filters) private readonly filters: Filters,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages */
  @Get('messages')
  @RateLimited('room_reads')
  @AnswersJsonText()
  getRoomEvents(
    @RequestedBy() { userId, deviceId, deviceNid }: Requester,
    @Path(roomPath) { roomId }: RoomPath,
    @Query(messagesQuery) { dir, from, to, limit, filter }: z.infer<typeof messagesQuery>,
  ): Promise<string> {
    const direction = dir === 'b' ? 'backwards' : 'forwards';
    return this.history.messages({
      userId,
      deviceId,
      deviceNid,
      roomId,
      direction,
      from,
      to,
      limit,
      filter: this.filters.ofRoom(filter),
    });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomideventeventid */
  @Get('event/:eventId')
  @RateLimited('room_reads')
  @AnswersJsonText()
  getOneRoomEvent(
    @RequestedBy() { userId, deviceId, deviceNid }: Requester,
    @Path(eventPath) path: EventPath,
  ): Promise<string> {
    return this.history.getOneRoomEvent({ userId, deviceId, deviceNid, ...path });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidcontexteventid */
  @Get('context/:eventId')
  @RateLimited('room_reads')
  @AnswersJsonText()
  getEventContext(
    @RequestedBy() { userId, deviceId, deviceNid }: Requester,
    @Path(eventPath) path: EventPath,
    @Query(contextQuery) { limit, filter }: z.infer<typeof contextQuery>,
  ): Promise<string> {
    return this.history.getEventContext({
      userId,
      deviceId,
      deviceNid,
      ...path,
      limit,
      filter: this.filters.ofRoom(filter),
    });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidforget */
  @Post('forget')
  @RateLimited('memberships')
  @HttpCode(200)
  @Authenticated({ guests: true, suspended: true })
  async forgetRoom(@RequestedBy() { userId }: Requester, @Path(roomPath) { roomId }: RoomPath) {
    await this.history.forgetRoom({ roomId, userId });
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmembers */
  @Get('members')
  @RateLimited('room_reads')
  async getMembersByRoom(
    @RequestedBy() { userId, deviceId, deviceNid }: Requester,
    @Path(roomPath) { roomId }: RoomPath,
    @Query(membersQuery) { at, membership, not_membership: notMembership }: z.infer<typeof membersQuery>,
  ) {
    const pages = await this.history.getMembersByRoom({
      userId,
      deviceId,
      deviceNid,
      roomId,
      at,
      membership,
      notMembership,
    });
    return streamJson(inObject({ chunk: arrayOf(pages) }));
  }
}

/** What came with a later version of the API. */
@Controller('_matrix/client/v1/rooms/:roomId')
@Authenticated()
export class EventsByTimeController {
  constructor(@Inject(RoomHistory) private readonly history: RoomHistory) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event */
  @Get('timestamp_to_event')
  @RateLimited('room_reads')
  getEventByTimestamp(
    @RequestedBy() { userId, deviceId, deviceNid }: Requester,
    @Path(roomPath) { roomId }: RoomPath,
    @Query(timestampQuery) { ts, dir }: z.infer<typeof timestampQuery>,
  ) {
    const direction = dir === 'b' ? 'backwards' : 'forwards';
    return this.history.getEventByTimestamp({ userId, deviceId, deviceNid, roomId, ts, direction });
  }
}
