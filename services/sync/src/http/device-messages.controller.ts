import { Authenticated, Path, RateLimited, RequestedBy, type Requester, StoredNumbersBody } from '@ganglion/http';
import { jsonObject, text, userId } from '@ganglion/http/values';
import { Controller, Inject, Put } from '@nestjs/common';
import { z } from 'zod';
import { DeviceMessaging } from '../domain/devices/device-messaging.js';

const MAX_NAME = 255;

const name = text.max(MAX_NAME);
const sendPath = z.object({ eventType: name, txnId: name });
const sendBody = z.object({ messages: z.record(userId, z.record(z.string(), jsonObject)) });

@Controller('_matrix/client/v3/sendToDevice')
@Authenticated({ guests: true, suspended: true })
export class DeviceMessagesController {
  constructor(@Inject(DeviceMessaging) private readonly messaging: DeviceMessaging) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3sendtodeviceeventtypetxnid */
  @Put(':eventType/:txnId')
  @RateLimited('to_device')
  async sendToDevice(
    @RequestedBy() { userId, deviceId, deviceNid }: Requester,
    @Path(sendPath) { eventType, txnId }: z.output<typeof sendPath>,
    @StoredNumbersBody(sendBody) { messages }: z.output<typeof sendBody>,
  ) {
    // Who logs out and in again is another device, whatever it is called: its transaction ids start anew.
    const device = deviceNid === undefined ? deviceId : `${deviceId}\x1f${deviceNid}`;
    await this.messaging.sendToDevice({ sender: { userId, deviceId: device }, eventType, txnId, messages });
    return {};
  }
}
