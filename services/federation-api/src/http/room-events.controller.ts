import type { FederationEvent, RoomFederation } from '@ganglion/contracts/room';
import { type Asked, AskedBy, FederationGuard } from '@ganglion/federation';
import { AnswersJsonText, arrayOf, inObject, JsonBody, Path, Query, streamJson } from '@ganglion/http';
import { eventId, limitText, severalOf } from '@ganglion/http/values';
import { Controller, Get, HttpCode, Inject, Post, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { authOfStatePages, authPages, statePages } from '../domain/serving/room-pages.js';
import { eventPath, roomEventPath, roomPath, timeText } from './parameters.js';
import { ROOM_FEDERATION } from './tokens.js';

type RoomPath = z.infer<typeof roomPath>;
type RoomEventPath = z.infer<typeof roomEventPath>;

const stateQuery = z.object({ event_id: eventId });
const backfillQuery = z.object({ v: severalOf(eventId), limit: limitText });
const timeQuery = z.object({ ts: timeText, dir: z.enum(['f', 'b']) });
const ids = z.array(eventId).max(100);
const missingBody = z.object({
  earliest_events: ids,
  latest_events: ids,
  limit: z.int().min(0).default(10),
  min_depth: z.int().min(0).default(0),
});

/** What other servers ask of the events of our rooms. */
@Controller('_matrix/federation/v1')
@UseGuards(FederationGuard)
export class RoomEventsController {
  constructor(@Inject(ROOM_FEDERATION) private readonly rooms: RoomFederation) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1eventeventid */
  @Get('event/:eventId')
  @AnswersJsonText()
  async getEvent(@AskedBy() asked: Asked, @Path(eventPath) path: z.infer<typeof eventPath>) {
    const { events } = await this.rooms.getEventsForServer({
      ...{ serverName: asked.origin, roomId: undefined, eventIds: [path.eventId] },
    });
    return transactionOf(asked, events);
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1stateroomid */
  @Get('state/:roomId')
  getRoomState(
    @AskedBy() { origin: serverName }: Asked,
    @Path(roomPath) { roomId }: RoomPath,
    @Query(stateQuery) query: z.infer<typeof stateQuery>,
  ) {
    return this.#state({ serverName, roomId, eventId: query.event_id, idsOnly: false }, 'pdus', 'auth_chain');
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1state_idsroomid */
  @Get('state_ids/:roomId')
  getRoomStateIds(
    @AskedBy() { origin: serverName }: Asked,
    @Path(roomPath) { roomId }: RoomPath,
    @Query(stateQuery) query: z.infer<typeof stateQuery>,
  ) {
    return this.#state({ serverName, roomId, eventId: query.event_id, idsOnly: true }, 'pdu_ids', 'auth_chain_ids');
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1event_authroomideventid */
  @Get('event_auth/:roomId/:eventId')
  getEventAuth(@AskedBy() { origin: serverName }: Asked, @Path(roomEventPath) path: RoomEventPath) {
    const chain = authPages(this.rooms, { serverName, ...path, idsOnly: false });
    return streamJson(inObject({ auth_chain: arrayOf(chain) }));
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid */
  @Get('backfill/:roomId')
  @AnswersJsonText()
  async backfillRoom(
    @AskedBy() asked: Asked,
    @Path(roomPath) { roomId }: RoomPath,
    @Query(backfillQuery) { v: fromEventIds, limit }: z.infer<typeof backfillQuery>,
  ) {
    const { events } = await this.rooms.backfill({ serverName: asked.origin, roomId, fromEventIds, limit });
    return transactionOf(asked, events);
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1get_missing_eventsroomid */
  @Post('get_missing_events/:roomId')
  @HttpCode(200)
  @AnswersJsonText()
  async getMissingPreviousEvents(
    @AskedBy() { origin: serverName }: Asked,
    @Path(roomPath) { roomId }: RoomPath,
    @JsonBody(missingBody) body: z.infer<typeof missingBody>,
  ) {
    const { earliest_events: earliestEventIds, latest_events: latestEventIds, limit, min_depth: minDepth } = body;
    const asked = { serverName, roomId, earliestEventIds, latestEventIds, limit, minDepth };
    const { events } = await this.rooms.getMissingEvents(asked);
    return `{"events":[${events.map(({ pduJson }) => pduJson).join()}]}`;
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid */
  @Get('timestamp_to_event/:roomId')
  async getEventByTimestamp(
    @AskedBy() { origin: serverName }: Asked,
    @Path(roomPath) { roomId }: RoomPath,
    @Query(timeQuery) { ts, dir }: z.infer<typeof timeQuery>,
  ) {
    const found = await this.rooms.findEventAtTimestamp({ serverName, roomId, ts, backwards: dir === 'b' });
    return { event_id: found.eventId, origin_server_ts: found.originServerTs };
  }

  #state(asked: Parameters<typeof statePages>[1], stateName: string, authName: string) {
    const parts = {
      [authName]: arrayOf(authOfStatePages(this.rooms, asked)),
      [stateName]: arrayOf(statePages(this.rooms, asked)),
    };
    return streamJson(inObject(parts));
  }
}

function transactionOf({ destination }: Asked, events: readonly FederationEvent[]): string {
  const pdus = events.map(({ pduJson }) => pduJson).join();
  return `{"origin":${JSON.stringify(destination)},"origin_server_ts":${Date.now()},"pdus":[${pdus}]}`;
}
