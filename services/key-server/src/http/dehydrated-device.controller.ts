import { Authenticated, RateLimited, RequestedBy, type Requester, StoredJsonBody } from '@ganglion/http';
import { Controller, Delete, Get, Inject, Put } from '@nestjs/common';
import type { z } from 'zod';
import { DehydratedDevices } from '../domain/dehydrated-devices.js';
import { dehydratedDeviceBody } from './key-bodies.js';

/** @see https://github.com/matrix-org/matrix-spec-proposals/pull/3814 */
@Controller('_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device')
@Authenticated({ suspended: true })
export class DehydratedDeviceController {
  constructor(@Inject(DehydratedDevices) private readonly dehydrated: DehydratedDevices) {}

  @Put()
  @RateLimited('keys')
  async putDehydratedDevice(
    @RequestedBy() { userId }: Requester,
    @StoredJsonBody(dehydratedDeviceBody) body: z.output<typeof dehydratedDeviceBody>,
  ) {
    await this.dehydrated.put(userId, body);
    return { device_id: body.deviceId };
  }

  @Get()
  @RateLimited('keys')
  async getDehydratedDevice(@RequestedBy() { userId }: Requester) {
    const { deviceId, deviceData } = await this.dehydrated.get(userId);
    return { device_id: deviceId, device_data: JSON.parse(deviceData) };
  }

  @Delete()
  @RateLimited('keys')
  async deleteDehydratedDevice(@RequestedBy() { userId }: Requester) {
    return { device_id: await this.dehydrated.remove(userId) };
  }
}
