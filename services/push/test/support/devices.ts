import type {
  Devices,
  ListChangedDevicesResponse,
  ListDevicesOfRequest,
  ListDevicesOfResponse,
  ListDevicesRequest,
  ListDevicesResponse,
} from '@ganglion/contracts/user';

/** The devices of users, as a test says that they begin and end. */
export class DevicesFake implements Devices {
  readonly #begun = new Map<string, Map<string, number>>();

  begin(userId: string, deviceId: string, atMs = 0): void {
    const devices = this.#begun.get(userId) ?? new Map<string, number>();
    this.#begun.set(userId, devices.set(deviceId, devices.get(deviceId) ?? atMs));
  }

  end(userId: string, deviceId: string): void {
    this.#begun.get(userId)?.delete(deviceId);
  }

  async listDevices({ userId }: ListDevicesRequest): Promise<ListDevicesResponse> {
    const devices = [...(this.#begun.get(userId) ?? [])];
    return { devices: devices.map(([deviceId, createdAtMs]) => ({ deviceId, createdAtMs })) };
  }

  async listDevicesOf({ userIds }: ListDevicesOfRequest): Promise<ListDevicesOfResponse> {
    const of = async (userId: string) => ({ userId, ...(await this.listDevices({ userId })) });
    return { users: await Promise.all(userIds.map(of)) };
  }

  async listChangedDevices(): Promise<ListChangedDevicesResponse> {
    return { userIds: [], cursor: 0, nextUser: undefined };
  }

  putDehydratedDevice(): never {
    throw new Error('nobody asks');
  }

  endDehydratedDevices(): never {
    throw new Error('nobody asks');
  }
}
