import { Authenticated, JsonBody, Path, parseBody, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { jsonObject, text } from '@ganglion/http/values';
import type { JsonObject } from '@ganglion/protocol';
import { Controller, Delete, Get, HttpCode, Inject, Post, Put, UseFilters } from '@nestjs/common';
import { z } from 'zod';
import { Devices } from '../domain/devices.js';
import { LocalServers } from '../domain/local-servers.js';
import type { Device } from '../domain/ports.js';
import { UserInteractiveAuth } from '../domain/user-interactive-auth.js';
import { interactiveRequest, type Origin, RequestOrigin } from './origin.js';
import { UiaChallengeFilter } from './uia-challenge.filter.js';
import { optionalText } from './values.js';

const devicePath = z.object({ deviceId: text });
const updateBody = z.object({ display_name: optionalText });
const deleteBody = jsonObject.default({});
const deleteDevicesBody = z.object({ devices: z.array(text).optional() });

type DevicePath = z.output<typeof devicePath>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#device-management */
@Controller('_matrix/client/v3')
@UseFilters(UiaChallengeFilter)
export class DeviceController {
  constructor(
    @Inject(Devices) private readonly devices: Devices,
    @Inject(UserInteractiveAuth) private readonly uia: UserInteractiveAuth,
    @Inject(LocalServers) private readonly servers: LocalServers,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devices */
  @Get('devices')
  @Authenticated({ guests: true })
  async getDevices(@RequestedBy() requester: Requester) {
    return { devices: (await this.devices.list(requester)).map(deviceAnswer) };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devicesdeviceid */
  @Get('devices/:deviceId')
  @Authenticated({ guests: true })
  async getDevice(@RequestedBy() requester: Requester, @Path(devicePath) { deviceId }: DevicePath) {
    return deviceAnswer(await this.devices.get(requester, deviceId));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3devicesdeviceid */
  @Put('devices/:deviceId')
  @RateLimited('account')
  @Authenticated({ guests: true, suspended: true })
  async updateDevice(
    @RequestedBy() requester: Requester,
    @Path(devicePath) { deviceId }: DevicePath,
    @JsonBody(updateBody) { display_name }: z.output<typeof updateBody>,
  ) {
    await this.devices.update(requester, deviceId, display_name);
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3devicesdeviceid */
  @Delete('devices/:deviceId')
  @RateLimited('account')
  @Authenticated({ suspended: true })
  async deleteDevice(
    @RequestedBy() requester: Requester,
    @Path(devicePath) { deviceId }: DevicePath,
    @JsonBody(deleteBody) body: JsonObject,
    @RequestOrigin() origin: Origin,
  ) {
    await this.uia.perform(interactiveRequest(origin, this.servers, body, requester), (attempt) =>
      this.devices.remove(requester, [deviceId], attempt),
    );
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3delete_devices */
  @Post('delete_devices')
  @HttpCode(200)
  @RateLimited('account')
  @Authenticated({ suspended: true })
  async deleteDevices(
    @RequestedBy() requester: Requester,
    @JsonBody(jsonObject) body: JsonObject,
    @RequestOrigin() origin: Origin,
  ) {
    await this.uia.perform(interactiveRequest(origin, this.servers, body, requester), (attempt) =>
      this.devices.remove(requester, parseBody(deleteDevicesBody, attempt.parameters).devices, attempt),
    );
    return {};
  }
}

function deviceAnswer({ deviceId, displayName, lastSeenMs, lastSeenAddress }: Device): Record<string, unknown> {
  return {
    device_id: deviceId,
    ...(displayName !== undefined && { display_name: displayName }),
    ...(lastSeenMs !== undefined && { last_seen_ts: lastSeenMs }),
    ...(lastSeenAddress !== undefined && { last_seen_ip: lastSeenAddress }),
  };
}
