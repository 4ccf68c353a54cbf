import type { Devices as DevicesRpc, ListDevicesRequest, ListDevicesResponse } from '@ganglion/contracts/user';
import type { Devices } from '../domain/devices.js';

/** Devices, as services ask about them that keep what ends with a device. */
export class DevicesService implements DevicesRpc {
  constructor(private readonly devices: Devices) {}

  async listDevices({ userId }: ListDevicesRequest): Promise<ListDevicesResponse> {
    const devices = await this.devices.list({ userId });
    return {
      devices: devices.map(({ deviceId, createdMs, displayName }) => ({
        deviceId,
        createdAtMs: createdMs,
        displayName,
      })),
    };
  }
}
