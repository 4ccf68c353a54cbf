import { AnswersJsonText, Authenticated, Query, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { Controller, Get, Inject } from '@nestjs/common';
import type { z } from 'zod';
import { Notifications } from '../domain/unread/notifications.js';
import { notificationsQuery } from './parameters.js';

/** What a user was told of, in all their rooms. */
@Controller('_matrix/client/v3/notifications')
@Authenticated()
export class NotificationsController {
  constructor(@Inject(Notifications) private readonly notifications: Notifications) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3notifications */
  @Get()
  @RateLimited('room_reads')
  @AnswersJsonText()
  async getNotifications(
    @RequestedBy() { userId, deviceId, deviceNid }: Requester,
    @Query(notificationsQuery) { from, limit, only }: z.output<typeof notificationsQuery>,
  ): Promise<string> {
    const onlyHighlights = only === 'highlight';
    const { texts, below } = await this.notifications.list({
      userId,
      deviceId,
      deviceNid,
      below: from,
      limit,
      onlyHighlights,
    });
    const next = below === undefined ? '' : `,"next_token":"n${below}"`;
    return `{"notifications":[${texts.join(',')}]${next}}`;
  }
}
