import type {
  Device,
  Devices,
  ListChangedDevicesResponse,
  ListDevicesOfRequest,
  ListDevicesOfResponse,
  ListDevicesRequest,
  ListDevicesResponse,
} from '@ganglion/contracts/user';

/** The devices of users, as a test says that they begin and end. */
export class TestDevices implements Devices {
  readonly #devices = new Map<string, Map<string, Device>>();

  begin(userId: string, deviceId: string, createdAtMs = 1): void {
    const devices = this.#devices.get(userId) ?? new Map<string, Device>();
    this.#devices.set(userId, devices.set(deviceId, { deviceId, createdAtMs }));
  }

  end(userId: string, deviceId: string): void {
    this.#devices.get(userId)?.delete(deviceId);
  }

  async listDevices({ userId }: ListDevicesRequest): Promise<ListDevicesResponse> {
    return { devices: [...(this.#devices.get(userId)?.values() ?? [])] };
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
