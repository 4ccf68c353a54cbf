import type { Bus } from '@ganglion/bus';
import { KEY_CHANGES, KEY_COUNTS_CHANGED } from '@ganglion/contracts';
import type { Logger } from '@ganglion/telemetry';
import type { Announcements, DeviceName, KeyChangeRecord } from '../domain/ports.js';

/** Tells the other services over the bus. What it cannot tell they read in the log. */
export class Announcer implements Announcements {
  constructor(
    private readonly bus: Bus,
    private readonly logger: Logger,
  ) {}

  changed({ userId, seq, listChanged, signedUserIds }: KeyChangeRecord): void {
    const message = { userId, seq, listChanged, signedUserIds: [...signedUserIds] };
    this.bus.publish(KEY_CHANGES, message, { key: userId, id: `${userId}/${seq}` }).catch((error: unknown) => {
      this.logger.warn({ err: error, user_id: userId }, 'a change of keys is left to be read in the log');
    });
  }

  countsChanged(devices: readonly DeviceName[]): void {
    const names = devices.map(({ userId, deviceId }) => ({ userId, deviceId }));
    this.bus.broadcast(KEY_COUNTS_CHANGED, { devices: names });
  }
}
