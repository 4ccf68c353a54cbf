import {
  AnswersJsonText,
  Authenticated,
  JsonBody,
  Path,
  Query,
  RateLimited,
  RequestedBy,
  type Requester,
} from '@ganglion/http';
import { text } from '@ganglion/http/values';
import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { DehydratedInbox } from '../domain/devices/dehydrated-inbox.js';
import { tokenText } from './parameters.js';

const path = z.object({ deviceId: text });
const query = z.object({ from: tokenText.optional() });
const body = z.object({ next_batch: tokenText.nullish() }).default({});

/** @see https://github.com/matrix-org/matrix-spec-proposals/pull/3814 */
@Controller('_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/:deviceId/events')
@Authenticated({ suspended: true })
export class DehydratedInboxController {
  constructor(@Inject(DehydratedInbox) private readonly inbox: DehydratedInbox) {}

  /** As of late: the last page has no token. */
  @Get()
  @RateLimited('keys')
  @AnswersJsonText()
  getDehydratedDeviceEvents(
    @RequestedBy() { userId }: Requester,
    @Path(path) { deviceId }: z.output<typeof path>,
    @Query(query) { from }: z.output<typeof query>,
  ) {
    return this.inbox.read({ userId, deviceId }, from?.position ?? 0, 'no token');
  }

  /** As the clients of some time ago ask: until a page is empty. */
  @Post()
  @HttpCode(200)
  @RateLimited('keys')
  @AnswersJsonText()
  postDehydratedDeviceEvents(
    @RequestedBy() { userId }: Requester,
    @Path(path) { deviceId }: z.output<typeof path>,
    @JsonBody(body) { next_batch }: z.output<typeof body>,
  ) {
    return this.inbox.read({ userId, deviceId }, next_batch?.position ?? 0, 'empty page');
  }
}
