import { MatrixError } from '@ganglion/contracts';
import { Authenticated, JsonBody, Path, Query, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { limitText, orElse, text, userId } from '@ganglion/http/values';
import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import type { KnownReport } from '../domain/ports/report-model.js';
import { Reports } from '../domain/reports.js';
import { eventPath, roomPath } from './parameters.js';

const MAX_REASON = 5_000;
const MAX_PAGE = 1_000;

const reason = text.max(MAX_REASON);
const reasonBody = z.object({ reason });
const eventBody = z
  .object({
    reason: orElse(reason, ''),
    score: z.int().min(-100).max(0).nullish(),
  })
  .prefault({});
const userPath = z.object({ userId });
const listQuery = z.object({
  from: limitText.default(0),
  limit: limitText.transform((limit) => Math.min(Math.max(limit, 1), MAX_PAGE)).default(100),
  dir: z.enum(['f', 'b']).default('b'),
});

type RoomPath = z.output<typeof roomPath>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#reporting-content */
@Controller()
@Authenticated()
export class ReportsController {
  constructor(@Inject(Reports) private readonly reports: Reports) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreport */
  @Post('_matrix/client/v3/rooms/:roomId/report')
  @HttpCode(200)
  @RateLimited('reports')
  async reportRoom(
    @RequestedBy() requester: Requester,
    @Path(roomPath) { roomId }: RoomPath,
    @JsonBody(reasonBody) { reason }: z.output<typeof reasonBody>,
  ) {
    await this.reports.reportRoom(requester, { roomId, reason });
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreporteventid */
  @Post('_matrix/client/v3/rooms/:roomId/report/:eventId')
  @HttpCode(200)
  @RateLimited('reports')
  async reportEvent(
    @RequestedBy() requester: Requester,
    @Path(eventPath) path: z.output<typeof eventPath>,
    @JsonBody(eventBody) { reason, score }: z.output<typeof eventBody>,
  ) {
    await this.reports.reportEvent(requester, { ...path, reason, score: score ?? undefined });
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3usersuseridreport */
  @Post('_matrix/client/v3/users/:userId/report')
  @HttpCode(200)
  @RateLimited('reports')
  async reportUser(
    @RequestedBy() requester: Requester,
    @Path(userPath) { userId }: z.output<typeof userPath>,
    @JsonBody(reasonBody) { reason }: z.output<typeof reasonBody>,
  ) {
    await this.reports.reportUser(requester, { userId, reason });
    return {};
  }

  /** All reports, as the tools that are made for Synapse ask for them; those of rooms and of users have no event. */
  @Get('_synapse/admin/v1/event_reports')
  async listReports(@RequestedBy() { admin }: Requester, @Query(listQuery) query: z.output<typeof listQuery>) {
    if (!admin) throw new MatrixError(403, 'M_FORBIDDEN', 'You are not a server administrator');
    const { from, limit, dir } = query;
    const { reports, total } = await this.reports.list({
      ...{ from, limit, direction: dir === 'b' ? 'backwards' : 'forwards' },
    });
    const next = from + reports.length;
    return { event_reports: reports.map(told), total, ...(next < total && { next_token: next }) };
  }
}

function told({ id, reportedAtMs, reporter, roomId, eventId, userId, reason, score }: KnownReport) {
  return {
    ...{ id, received_ts: reportedAtMs, user_id: reporter, reason },
    ...(roomId !== undefined && { room_id: roomId }),
    ...(eventId !== undefined && { event_id: eventId }),
    ...(userId !== undefined && { sender: userId }),
    ...(score !== undefined && { score }),
  };
}
