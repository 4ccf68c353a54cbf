import type { Bus } from '@ganglion/bus';
import { KEY_COUNTS_CHANGED } from '@ganglion/contracts';
import type { Announcements, DeviceName, KeyChangeRecord } from '../domain/ports.js';

/** Tells the other services over the bus. */
export class Announcer implements Announcements {
  constructor(
    private readonly bus: Bus,
    private readonly publisher: { publish(changes: readonly KeyChangeRecord[]): void },
  ) {}

  changed(change: KeyChangeRecord): void {
    this.publisher.publish([change]);
  }

  countsChanged(devices: readonly DeviceName[]): void {
    const names = devices.map(({ userId, deviceId }) => ({ userId, deviceId }));
    this.bus.broadcast(KEY_COUNTS_CHANGED, { devices: names });
  }
}
