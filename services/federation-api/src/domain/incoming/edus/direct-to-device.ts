import { isMatrixError } from '@ganglion/contracts';
import type { RemoteEphemeral } from '@ganglion/contracts/sync';
import { domainOf, type JsonObject } from '@ganglion/protocol';
import type { EduIntake } from '../edus.js';
import type { Giver } from '../room-pdus.js';
import { type DeviceMessages, directToDevice } from './edu-contents.js';

/** As sync takes them, as an event: what is larger is left out here, so that it keeps back none of the others. */
const MAX_MESSAGE_BYTES = 65_536;

/** Why a message was left out; `malformed`: also a whole EDU. */
export type LeftOut = 'malformed' | 'too_large';

/** @see https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging */
export class DirectToDeviceEdus implements EduIntake {
  /** @param leftOut told of messages that are left out, and how many */
  constructor(
    private readonly sync: Pick<RemoteEphemeral, 'sendToDevices'>,
    private readonly leftOut: (reason: LeftOut, count: number) => void,
  ) {}

  /** In their order: it matters to who decrypts them. */
  async take({ origin }: Giver, contents: readonly unknown[]): Promise<void> {
    for (const content of contents) {
      const { data } = directToDevice.safeParse(content);
      if (data === undefined) this.leftOut('malformed', 1);
      else if (domainOf(data.sender) === origin) await this.#send(data);
    }
  }

  async #send({ malformed, ...edu }: ReturnType<typeof directToDevice.parse>) {
    if (malformed > 0) this.leftOut('malformed', malformed);
    const { sender, type: eventType, messageId } = edu;
    const messagesJson = JSON.stringify(this.#smallEnough(edu));
    try {
      await this.sync.sendToDevices({ sender, eventType, messageId, messagesJson });
    } catch (error) {
      // One with more messages than anybody sends at once is no reason to keep back the others.
      if (!(isMatrixError(error) && error.status === 413)) throw error;
      this.leftOut('too_large', 1);
    }
  }

  #smallEnough({ sender, type, messages }: Omit<ReturnType<typeof directToDevice.parse>, 'malformed'>): DeviceMessages {
    const isSmall = (content: JsonObject) =>
      Buffer.byteLength(JSON.stringify({ sender, type, content })) <= MAX_MESSAGE_BYTES;
    const kept = Object.entries(messages).map(([userId, contents]) => {
      const all = Object.entries(contents);
      const small = all.filter(([, content]) => isSmall(content));
      if (small.length < all.length) this.leftOut('too_large', all.length - small.length);
      return [userId, Object.fromEntries(small)] as const;
    });
    return Object.fromEntries(kept);
  }
}
