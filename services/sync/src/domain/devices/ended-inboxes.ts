import type { Device, Devices } from '@ganglion/contracts/user';
import type { DeviceMessageModel } from '../ports/device-message-model.js';
import type { ReadModel } from '../ports/read-model.js';

const PAGE = 500;

/** What becomes of the messages to devices that have ended: nobody will ask for them. */
export class EndedInboxes {
  constructor(
    private readonly model: Pick<ReadModel, 'head'>,
    private readonly messages: Pick<DeviceMessageModel, 'usersWithMessages' | 'forgetAllBut'>,
    private readonly devices: Pick<Devices, 'listDevicesOf'>,
  ) {}

  /** Forgets what waits for devices of these users that are not there any more, be it that others have their names. */
  async reconcile(userIds: readonly string[]): Promise<void> {
    // Read first: whoever has a message up to here had begun before, and is among the living if they have not ended.
    const { position: upTo } = await this.model.head();
    const { users } = await this.devices.listDevicesOf({ userIds: [...userIds] });
    const living = users.flatMap(({ userId, devices }) =>
      devices.map(({ deviceId, createdAtMs }: Device) => ({ userId, deviceId, createdAtMs })),
    );
    await this.messages.forgetAllBut(living, userIds, upTo);
  }

  /** Looks at everybody for whose devices messages wait: whatever ended unheard is found. */
  async sweep(): Promise<void> {
    for (let page = await this.messages.usersWithMessages('', PAGE); page.length > 0; ) {
      await this.reconcile(page);
      page = page.length < PAGE ? [] : await this.messages.usersWithMessages(page.at(-1) ?? '', PAGE);
    }
  }
}
