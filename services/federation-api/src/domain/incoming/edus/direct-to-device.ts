import { isMatrixError } from '@ganglion/contracts';
import type { RemoteEphemeral } from '@ganglion/contracts/sync';
import { domainOf } from '@ganglion/protocol';
import type { EduIntake } from '../edus.js';
import type { Giver } from '../room-pdus.js';
import { directToDevice } from './edu-contents.js';

/** @see https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging */
export class DirectToDeviceEdus implements EduIntake {
  constructor(private readonly sync: Pick<RemoteEphemeral, 'sendToDevices'>) {}

  /** In their order: it matters to who decrypts them. */
  async take({ origin }: Giver, contents: readonly unknown[]): Promise<void> {
    for (const content of contents) {
      const { data } = directToDevice.safeParse(content);
      if (data !== undefined && domainOf(data.sender) === origin) await this.#send(data);
    }
  }

  async #send({ sender, type: eventType, message_id: messageId, messages }: ReturnType<typeof directToDevice.parse>) {
    try {
      await this.sync.sendToDevices({ sender, eventType, messageId, messagesJson: JSON.stringify(messages) });
    } catch (error) {
      // One that is too large is no reason to keep back the others.
      if (!(isMatrixError(error) && error.status === 413)) throw error;
    }
  }
}
