import { concatenated } from '../concatenated.js';
import type { EndedInboxes } from '../devices/ended-inboxes.js';
import type { DeviceMessageModel } from '../ports/device-message-model.js';
import type { UserView } from '../views/user-view.js';
import type { SyncRequest } from './sync-request.js';

/** The messages that an answer brings to its device. */
export interface InboxAnswer {
  /** The property `to_device`, as JSON text; undefined when there is none to tell. */
  readonly text: string | undefined;
  /** All messages up to this position are told with it, or were before. */
  readonly upTo: number;
}

type Asking = Pick<SyncRequest, 'userId' | 'deviceId' | 'messagesSince'>;

/**
 * Reads what was sent to a device. A message is told until the device comes back with the token of an answer that told it.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging
 */
export class InboxReader {
  constructor(
    private readonly model: Pick<DeviceMessageModel, 'inbox' | 'forgetInbox'>,
    private readonly ended: Pick<EndedInboxes, 'reconcile'>,
  ) {}

  /** A device comes with a token: what was told up to it has arrived. */
  async received({ inboxes }: UserView, { userId, deviceId, messagesSince = 0 }: Asking): Promise<void> {
    if (!inboxes.hasUpTo(deviceId, messagesSince)) return;
    await this.model.forgetInbox({ userId, deviceId }, messagesSince);
    inboxes.forget(deviceId, messagesSince);
  }

  hasNews({ inboxes }: UserView, { deviceId, messagesSince = 0 }: Asking): boolean {
    return inboxes.hasAbove(deviceId, messagesSince);
  }

  /** What there is up to a position, or as much as fits into an answer. */
  async read(user: UserView, asking: Asking, upTo: number): Promise<InboxAnswer> {
    if (!this.hasNews(user, asking)) return { text: undefined, upTo };
    const { userId, deviceId, messagesSince = 0 } = asking;
    // Who begins anew may have the name of a device that has ended.
    if (asking.messagesSince === undefined) await this.ended.reconcile([userId]);
    const { messages, hasMore } = await this.model.inbox({ userId, deviceId }, messagesSince, upTo);
    const last = messages.at(-1);
    if (last === undefined) {
      user.inboxes.forget(deviceId, upTo);
      return { text: undefined, upTo };
    }
    const text = `"to_device":{"events":[${concatenated(messages.map(({ json }) => json))}]}`;
    return { text, upTo: hasMore ? last.position : upTo };
  }
}
