import type {
  Devices as DevicesRpc,
  ListDevicesOfRequest,
  ListDevicesOfResponse,
  ListDevicesRequest,
  ListDevicesResponse,
  Device as ToldDevice,
} from '@ganglion/contracts/user';
import type { Devices } from '../domain/devices.js';
import type { Device } from '../domain/ports.js';

/** Devices, as services ask about them that keep what ends with a device. */
export class DevicesService implements DevicesRpc {
  constructor(private readonly devices: Devices) {}

  async listDevices({ userId }: ListDevicesRequest): Promise<ListDevicesResponse> {
    return { devices: (await this.devices.list({ userId })).map(told) };
  }

  async listDevicesOf({ userIds }: ListDevicesOfRequest): Promise<ListDevicesOfResponse> {
    const ofUsers = await this.devices.listOf(userIds);
    return { users: Array.from(ofUsers, ([userId, devices]) => ({ userId, devices: devices.map(told) })) };
  }
}

function told({ deviceId, createdMs, displayName }: Device): ToldDevice {
  return { deviceId, createdAtMs: createdMs, displayName };
}
