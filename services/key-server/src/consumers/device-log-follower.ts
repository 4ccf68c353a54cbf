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
    private readonly cursors: Pick<CursorStore, 'get' | 'advance' | 'putOff' | 'due' | 'done'>,
    private readonly logger: Logger,
  ) {}

  /** Looks at everybody whose devices changed since the last look, and at those again for whom that failed. */
  async look(): Promise<void> {
    for (const userId of await this.cursors.due(PAGE)) {
      if (await this.#reconcile(userId)) await this.cursors.done(userId);
    }
    const since = await this.cursors.get('devices');
    let cursor: number | undefined;
    for (let afterUser: string | undefined = ''; afterUser !== undefined; ) {
      const page = await this.devices.listChangedDevices({ sinceCursor: since, afterUser, limit: PAGE });
      cursor ??= page.cursor;
      for (const userId of page.userIds) await this.#reconcile(userId);
      afterUser = page.nextUser;
    }
    if (cursor !== undefined && cursor !== since) await this.cursors.advance('devices', since, cursor);
  }

  /** Whoever it fails for is kept before the log goes on without them. */
  async #reconcile(userId: string): Promise<boolean> {
    try {
      await this.endedDevices.reconcile(userId);
      return true;
    } catch (error) {
      this.logger.warn({ err: error, user_id: userId }, 'the keys of ended devices could not be removed yet');
      await this.cursors.putOff(userId);
      return false;
    }
  }
}
