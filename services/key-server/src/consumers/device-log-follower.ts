import type { Devices } from '@ganglion/contracts/user';
import type { Logger } from '@ganglion/telemetry';
import type { EndedDevices } from '../domain/ended-devices.js';
import type { CursorStore } from '../storage/cursor-store.js';

const PAGE = 500;

/**
 * Follows user-server's log of devices that ended or got another name: whatever broadcasts were lost, and whatever happened while no
 * key server ran. Where it is, all replicas know: several may look at the same, which does no harm.
 */
export class DeviceLogFollower {
  constructor(
    private readonly devices: Pick<Devices, 'listChangedDevices'>,
    private readonly endedDevices: Pick<EndedDevices, 'reconcile'>,
    private readonly cursors: Pick<CursorStore, 'get' | 'advance'>,
    private readonly logger: Logger,
  ) {}

  /** Looks at everybody whose devices changed since the last look. Where one of them fails, all are looked at again next time. */
  async look(): Promise<void> {
    const since = await this.cursors.get('devices');
    let cursor: number | undefined;
    let isWhole = true;
    for (let afterUser: string | undefined = ''; afterUser !== undefined; ) {
      const page = await this.devices.listChangedDevices({ sinceCursor: since, afterUser, limit: PAGE });
      cursor ??= page.cursor;
      for (const userId of page.userIds) isWhole = (await this.#reconcile(userId)) && isWhole;
      afterUser = page.nextUser;
    }
    if (isWhole && cursor !== undefined && cursor !== since) await this.cursors.advance('devices', since, cursor);
  }

  async #reconcile(userId: string): Promise<boolean> {
    try {
      await this.endedDevices.reconcile(userId);
      return true;
    } catch (error) {
      this.logger.warn({ err: error, user_id: userId }, 'the keys of ended devices could not be removed yet');
      return false;
    }
  }
}
