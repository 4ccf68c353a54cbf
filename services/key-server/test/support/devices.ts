import { MatrixError } from '@ganglion/contracts';
import type {
  Device,
  Devices,
  EndDehydratedDevicesRequest,
  ListChangedDevicesRequest,
  ListChangedDevicesResponse,
  ListDevicesOfRequest,
  ListDevicesOfResponse,
  ListDevicesRequest,
  ListDevicesResponse,
  PutDehydratedDeviceRequest,
} from '@ganglion/contracts/user';

/** The devices of users, as a test says that they begin and end. */
export class DevicesFake implements Devices {
  /** Whose devices ended, in order: a cursor is how many there are. */
  readonly #changed: string[] = [];
  readonly #deactivated = new Set<string>();
  readonly #devices = new Map<string, Map<string, Device>>();

  begin(userId: string, deviceId: string, facts: Partial<Device> = {}): void {
    const devices = this.#devices.get(userId) ?? new Map<string, Device>();
    this.#devices.set(userId, devices.set(deviceId, { deviceId, createdAtMs: 1, displayName: undefined, ...facts }));
  }

  end(userId: string, deviceId: string): void {
    this.#devices.get(userId)?.delete(deviceId);
    this.#changed.push(userId);
  }

  deactivate(userId: string): void {
    this.#devices.delete(userId);
    this.#deactivated.add(userId);
    this.#changed.push(userId);
  }

  async listDevices({ userId }: ListDevicesRequest): Promise<ListDevicesResponse> {
    const devices = [...(this.#devices.get(userId)?.values() ?? [])];
    return { devices, ...(this.#deactivated.has(userId) && { deactivated: true }) };
  }

  async listDevicesOf({ userIds }: ListDevicesOfRequest): Promise<ListDevicesOfResponse> {
    return { users: userIds.map((userId) => ({ userId, devices: [...(this.#devices.get(userId)?.values() ?? [])] })) };
  }

  async listChangedDevices({ sinceCursor }: ListChangedDevicesRequest): Promise<ListChangedDevicesResponse> {
    const userIds = [...new Set(this.#changed.slice(sinceCursor))];
    return { userIds, cursor: this.#changed.length, nextUser: undefined };
  }

  async putDehydratedDevice({ userId, deviceId, displayName }: PutDehydratedDeviceRequest) {
    const known = this.#devices.get(userId)?.get(deviceId);
    if (known !== undefined && known.dehydrated !== true) {
      throw new MatrixError(400, 'M_INVALID_PARAM', 'There is another device of this id');
    }
    if (known === undefined) this.begin(userId, deviceId, { displayName, dehydrated: true });
    return { createdAtMs: 1 };
  }

  async endDehydratedDevices({ userId, deviceIds }: EndDehydratedDevicesRequest) {
    for (const deviceId of deviceIds) this.end(userId, deviceId);
    return {};
  }
}
