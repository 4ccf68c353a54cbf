import { Authenticated, JsonBody, Path, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { text } from '@ganglion/http/values';
import { Controller, Get, Inject, Put } from '@nestjs/common';
import { z } from 'zod';
import { AccountModeration } from '../domain/account-moderation.js';
import type { Device } from '../domain/ports.js';

const userPath = z.object({ userId: text });
const lockBody = z.object({ locked: z.boolean() });
const suspendBody = z.object({ suspended: z.boolean() });

type UserPath = z.output<typeof userPath>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#server-administration */
@Controller('_matrix/client')
export class ModerationController {
  constructor(@Inject(AccountModeration) private readonly moderation: AccountModeration) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3adminwhoisuserid */
  @Get('v3/admin/whois/:userId')
  @Authenticated()
  async getWhoIs(@RequestedBy() requester: Requester, @Path(userPath) { userId }: UserPath) {
    const devices = await this.moderation.whoIs(requester, userId);
    return {
      user_id: userId,
      devices: Object.fromEntries(devices.map((device) => [device.deviceId, sessionOf(device)])),
    };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1adminlockuserid */
  @Get('v1/admin/lock/:userId')
  @Authenticated()
  async getAdminLockUser(@RequestedBy() requester: Requester, @Path(userPath) { userId }: UserPath) {
    return { locked: await this.moderation.get(requester, userId, 'locked') };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv1adminlockuserid */
  @Put('v1/admin/lock/:userId')
  @RateLimited('account')
  @Authenticated()
  async setAdminLockUser(
    @RequestedBy() requester: Requester,
    @Path(userPath) { userId }: UserPath,
    @JsonBody(lockBody) { locked }: z.output<typeof lockBody>,
  ) {
    await this.moderation.set(requester, userId, 'locked', locked);
    return { locked };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1adminsuspenduserid */
  @Get('v1/admin/suspend/:userId')
  @Authenticated()
  async getAdminSuspendUser(@RequestedBy() requester: Requester, @Path(userPath) { userId }: UserPath) {
    return { suspended: await this.moderation.get(requester, userId, 'suspended') };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv1adminsuspenduserid */
  @Put('v1/admin/suspend/:userId')
  @RateLimited('account')
  @Authenticated()
  async setAdminSuspendUser(
    @RequestedBy() requester: Requester,
    @Path(userPath) { userId }: UserPath,
    @JsonBody(suspendBody) { suspended }: z.output<typeof suspendBody>,
  ) {
    await this.moderation.set(requester, userId, 'suspended', suspended);
    return { suspended };
  }
}

/** A device has one session, whose latest connection is known. */
function sessionOf({ lastSeenMs, lastSeenAddress, lastSeenUserAgent }: Device) {
  const connection = {
    ...(lastSeenAddress !== undefined && { ip: lastSeenAddress }),
    ...(lastSeenMs !== undefined && { last_seen: lastSeenMs }),
    ...(lastSeenUserAgent !== undefined && { user_agent: lastSeenUserAgent }),
  };
  return { sessions: [{ connections: lastSeenMs === undefined ? [] : [connection] }] };
}
