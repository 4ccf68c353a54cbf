import type {
  Devices as DevicesRpc,
  EndDehydratedDevicesRequest,
  ListChangedDevicesRequest,
  ListChangedDevicesResponse,
  ListDevicesOfRequest,
  ListDevicesOfResponse,
  ListDevicesRequest,
  ListDevicesResponse,
  PutDehydratedDeviceRequest,
  PutDehydratedDeviceResponse,
  Device as ToldDevice,
} from '@ganglion/contracts/user';
import type { Devices } from '../domain/devices.js';
import type { AccountStore, Device } from '../domain/ports.js';
import type { DeviceLogStore } from '../storage/device-log-store.js';

const DEFAULT_LIMIT = 1_000;
const MAX_LIMIT = 10_000;

/** Devices, as services ask about them that keep what ends with a device. */
export class DevicesService implements DevicesRpc {
  constructor(
    private readonly devices: Devices,
    private readonly log: DeviceLogStore,
    private readonly accounts: Pick<AccountStore, 'find'>,
  ) {}

  async listDevices({ userId }: ListDevicesRequest): Promise<ListDevicesResponse> {
    const devices = (await this.devices.list({ userId })).map(told);
    if (devices.length > 0) return { devices };
    const account = await this.accounts.find([userId]);
    return { devices, ...(account?.deactivated && { deactivated: true }) };
  }

  async listDevicesOf({ userIds }: ListDevicesOfRequest): Promise<ListDevicesOfResponse> {
    const ofUsers = await this.devices.listOf(userIds);
    return { users: Array.from(ofUsers, ([userId, devices]) => ({ userId, devices: devices.map(told) })) };
  }

  async listChangedDevices(request: ListChangedDevicesRequest): Promise<ListChangedDevicesResponse> {
    const { sinceCursor, afterUser, limit } = request;
    const size = Math.min(limit > 0 ? limit : DEFAULT_LIMIT, MAX_LIMIT);
    const { cursor, userIds } = await this.log.changedSince(sinceCursor, afterUser, size + 1);
    const page = userIds.slice(0, size);
    return { userIds: page, cursor, nextUser: userIds.length > size ? page.at(-1) : undefined };
  }

  async putDehydratedDevice(request: PutDehydratedDeviceRequest): Promise<PutDehydratedDeviceResponse> {
    const { userId, deviceId, displayName } = request;
    return { createdAtMs: await this.devices.putDehydrated(userId, deviceId, displayName) };
  }

  async endDehydratedDevices({ userId, deviceIds }: EndDehydratedDevicesRequest) {
    await this.devices.endDehydrated(userId, deviceIds);
    return {};
  }
}

function told({ deviceId, createdMs, displayName, dehydrated }: Device): ToldDevice {
  return { deviceId, createdAtMs: createdMs, displayName, ...(dehydrated && { dehydrated }) };
}
