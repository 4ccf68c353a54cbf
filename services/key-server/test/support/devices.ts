import type {
  Device,
  Devices,
  ListChangedDevicesRequest,
  ListChangedDevicesResponse,
  ListDevicesOfRequest,
  ListDevicesOfResponse,
  ListDevicesRequest,
  ListDevicesResponse,
} from '@ganglion/contracts/user';

/** The devices of users, as a test says that they begin and end. */
export class DevicesFake implements Devices {
  /** Whose devices ended, in order: a cursor is how many there are. */
  readonly #changed: string[] = [];
  readonly #devices = new Map<string, Map<string, Device>>();

  begin(userId: string, deviceId: string, facts: Partial<Device> = {}): void {
    const devices = this.#devices.get(userId) ?? new Map<string, Device>();
    this.#devices.set(userId, devices.set(deviceId, { deviceId, createdAtMs: 1, displayName: undefined, ...facts }));
  }

  end(userId: string, deviceId: string): void {
    this.#devices.get(userId)?.delete(deviceId);
    this.#changed.push(userId);
  }

  async listDevices({ userId }: ListDevicesRequest): Promise<ListDevicesResponse> {
    return { devices: [...(this.#devices.get(userId)?.values() ?? [])] };
  }

  async listDevicesOf({ userIds }: ListDevicesOfRequest): Promise<ListDevicesOfResponse> {
    return { users: userIds.map((userId) => ({ userId, devices: [...(this.#devices.get(userId)?.values() ?? [])] })) };
  }

  async listChangedDevices({ sinceCursor }: ListChangedDevicesRequest): Promise<ListChangedDevicesResponse> {
    const userIds = [...new Set(this.#changed.slice(sinceCursor))];
    return { userIds, cursor: this.#changed.length, nextUser: undefined };
  }
}
