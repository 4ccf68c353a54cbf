import { MatrixError } from '@ganglion/contracts';
import { Authenticated, JsonBody, Path, Query, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { eventId } from '@ganglion/http/values';
import { Controller, Delete, Get, Inject, Put } from '@nestjs/common';
import { z } from 'zod';
import { ThreadSubscriptions } from '../domain/thread-subscriptions.js';
import { roomPath } from './parameters.js';

const MAX_PAGE = 500;
const PAGE = 100;

const threadPath = roomPath.extend({ rootId: eventId });
const subscriptionBody = z.object({ automatic: eventId.optional() });
const numberText = z
  .string()
  .regex(/^\d{1,15}$/, 'is not a token of ours')
  .transform(Number);
const listQuery = z.object({
  dir: z.literal('b'),
  from: numberText.default(Number.MAX_SAFE_INTEGER),
  to: numberText.default(0),
  limit: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'must be a whole number, at least 1')
    .transform((limit) => Math.min(Number(limit), MAX_PAGE))
    .default(PAGE),
});

type ThreadPath = z.output<typeof threadPath>;

/** Which threads a user follows. @see https://github.com/matrix-org/matrix-spec-proposals/pull/4306 */
@Controller('_matrix/client/unstable/io.element.msc4306/rooms/:roomId/thread/:rootId/subscription')
@Authenticated()
export class ThreadSubscriptionController {
  constructor(@Inject(ThreadSubscriptions) private readonly subscriptions: ThreadSubscriptions) {}

  @Get()
  @RateLimited('room_reads')
  getSubscription(@RequestedBy() { userId }: Requester, @Path(threadPath) path: ThreadPath) {
    return this.subscriptions.get({ userId, ...path });
  }

  @Put()
  @Authenticated({ suspended: true })
  @RateLimited('receipts')
  async subscribe(
    @RequestedBy() { userId }: Requester,
    @Path(threadPath) path: ThreadPath,
    @JsonBody(subscriptionBody) { automatic }: z.output<typeof subscriptionBody>,
  ) {
    await this.subscriptions.subscribe({ userId, ...path }, automatic);
    return {};
  }

  @Delete()
  @Authenticated({ suspended: true })
  @RateLimited('receipts')
  async unsubscribe(@RequestedBy() { userId }: Requester, @Path(threadPath) path: ThreadPath) {
    await this.subscriptions.unsubscribe({ userId, ...path });
    return {};
  }
}

/** @see https://github.com/matrix-org/matrix-spec-proposals/pull/4308 */
@Controller('_matrix/client/unstable/io.element.msc4308/thread_subscriptions')
@Authenticated()
export class ThreadSubscriptionsController {
  constructor(@Inject(ThreadSubscriptions) private readonly subscriptions: ThreadSubscriptions) {}

  @Get()
  @RateLimited('room_reads')
  async listSubscriptions(
    @RequestedBy() { userId }: Requester,
    @Query(listQuery) { from: upTo, to: above, limit }: z.output<typeof listQuery>,
  ) {
    if (above > upTo) throw new MatrixError(400, 'M_INVALID_PARAM', 'to must not be above from');
    const changes = await this.subscriptions.list({ userId, above, upTo, limit });
    const [subscribed, unsubscribed] = [{}, {}] as Record<string, Record<string, object>>[];
    for (const { roomId, rootId, automatic, seq } of changes) {
      const told = automatic === undefined ? { bump_stamp: seq } : { automatic, bump_stamp: seq };
      const rooms = automatic === undefined ? unsubscribed! : subscribed!;
      rooms[roomId] = { ...rooms[roomId], [rootId]: told };
    }
    return {
      ...(Object.keys(subscribed!).length > 0 && { subscribed }),
      ...(Object.keys(unsubscribed!).length > 0 && { unsubscribed }),
      ...(changes.length === limit && { end: String(changes.at(-1)!.seq - 1) }),
    };
  }
}
