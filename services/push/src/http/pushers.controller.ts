import { Authenticated, RateLimited, RequestedBy, type Requester, StoredJsonBody } from '@ganglion/http';
import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import type { Pusher } from '../domain/ports.js';
import { Pushers } from '../domain/pushers.js';
import { type PusherBody, pusherBody } from './parameters.js';
import { pusherRequest } from './pusher-request.js';

@Controller('_matrix/client/v3/pushers')
@Authenticated({ suspended: true })
export class PushersController {
  constructor(@Inject(Pushers) private readonly pushers: Pushers) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushers */
  @Get()
  async getPushers(@RequestedBy() { userId }: Requester) {
    return { pushers: (await this.pushers.list(userId)).map(pusherAnswer) };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3pushersset */
  @Post('set')
  @HttpCode(200)
  @RateLimited('account_data')
  async postPusher(@RequestedBy() requester: Requester, @StoredJsonBody(pusherBody) body: PusherBody) {
    const { appId, pushkey, pusher } = pusherRequest(body);
    if (pusher === undefined) await this.pushers.remove(requester.userId, appId, pushkey);
    else await this.pushers.set(requester, pusher, body.append ?? false);
    return {};
  }
}

function pusherAnswer(pusher: Pusher): Record<string, unknown> {
  return {
    app_id: pusher.appId,
    pushkey: pusher.pushkey,
    kind: pusher.kind,
    app_display_name: pusher.appDisplayName,
    device_display_name: pusher.deviceDisplayName,
    ...(pusher.profileTag !== undefined && { profile_tag: pusher.profileTag }),
    lang: pusher.lang,
    data: JSON.parse(pusher.data),
  };
}
