import { MatrixError } from '@ganglion/contracts';
import { missingParam, notFound } from './failures.js';
import type { Announcements, Device, DeviceStore, Requester } from './ports.js';
import { PASSWORD_FLOWS } from './uia-stages.js';
import type { InteractiveAttempt } from './user-interactive-auth.js';

const MAX_DISPLAY_NAME = 100;
const unknownDevice = () => notFound('There is no such device');

/** A user's own devices. @see https://spec.matrix.org/v1.19/client-server-api/#device-management */
export class Devices {
  constructor(
    private readonly store: DeviceStore,
    private readonly announcements: Announcements,
  ) {}

  list({ userId }: Pick<Requester, 'userId'>): Promise<Device[]> {
    return this.store.list(userId);
  }

  listOf(userIds: readonly string[]): Promise<ReadonlyMap<string, readonly Device[]>> {
    return this.store.listOf(userIds);
  }

  /** @throws MatrixError M_NOT_FOUND */
  async get({ userId }: Requester, deviceId: string): Promise<Device> {
    const device = await this.store.find(userId, deviceId);
    if (device === undefined) throw unknownDevice();
    return device;
  }

  /** @throws MatrixError M_NOT_FOUND, M_TOO_LARGE for a name of more than a hundred characters */
  async update(requester: Requester, deviceId: string, displayName: string | undefined): Promise<void> {
    const { displayName: current } = await this.get(requester, deviceId);
    if (displayName === undefined || displayName === current) return;
    if (displayName.length > MAX_DISPLAY_NAME) {
      throw new MatrixError(400, 'M_TOO_LARGE', `A device name may have at most ${MAX_DISPLAY_NAME} characters`);
    }
    if (!(await this.store.rename(requester.userId, deviceId, displayName))) throw unknownDevice();
  }

  /**
   * Ends devices after the user has shown that they know the password.
   *
   * @throws UiaChallenge
   * @throws MatrixError M_MISSING_PARAM when it does not say which
   */
  async remove({ userId }: Requester, deviceIds: readonly string[] | undefined, attempt: InteractiveAttempt) {
    await attempt.pass(PASSWORD_FLOWS);
    if (deviceIds === undefined) throw missingParam('devices is required');
    this.announcements.devicesGone(await this.store.remove(userId, deviceIds, attempt.completion(null)));
  }

  /**
   * Adds a device that nobody is logged in with; when that was.
   *
   * @throws MatrixError M_INVALID_PARAM when somebody is, or was
   * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3814
   */
  async putDehydrated(userId: string, deviceId: string, displayName: string | undefined): Promise<number> {
    const createdMs = await this.store.putDehydrated(userId, deviceId, displayName?.slice(0, MAX_DISPLAY_NAME));
    if (createdMs === undefined) throw new MatrixError(400, 'M_INVALID_PARAM', 'There is another device of this id');
    return createdMs;
  }

  async endDehydrated(userId: string, deviceIds: readonly string[]): Promise<void> {
    if (deviceIds.length === 0) return;
    this.announcements.devicesEnded(userId, await this.store.endDehydrated(userId, deviceIds));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout */
  async logout({ userId, deviceId }: Requester): Promise<void> {
    this.announcements.devicesGone(await this.store.remove(userId, [deviceId]));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logoutall */
  async logoutAll({ userId }: Requester): Promise<void> {
    this.announcements.devicesGone(await this.store.remove(userId));
  }
}
