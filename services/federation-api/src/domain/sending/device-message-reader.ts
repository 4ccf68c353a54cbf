import type { LeavingDeviceMessage, LeavingDeviceMessages } from '@ganglion/contracts/sync';
import { domainOf } from '@ganglion/protocol';
import type { TakenMessage, TakenMessages } from '../ports/sending.js';

export interface DeviceMessageReaderDependencies {
  readonly leaving: LeavingDeviceMessages;
  readonly taken: TakenMessages;
  readonly isOurs: (serverName: string) => boolean;
  readonly allows: (serverName: string) => boolean;
}

const AT_ONCE = 200;

/**
 * Takes messages to devices from sync, which keeps them until they are queued here.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging
 */
export class DeviceMessageReader {
  constructor(private readonly deps: DeviceMessageReaderDependencies) {}

  /**
   * Takes all there are. Whoever dies in between takes them again, and queues none of them twice. Resolves with whether there
   * were any.
   */
  async read(signal: AbortSignal): Promise<boolean> {
    const { leaving, taken } = this.deps;
    let hasTaken = false;
    while (!signal.aborted) {
      const { messages } = await leaving.listLeavingDeviceMessages({ limit: AT_ONCE });
      if (messages.length === 0) break;
      await taken.take(messages.map((message) => this.#taken(message)));
      await leaving.forgetLeavingDeviceMessages({ messageNids: messages.map(({ messageNid }) => messageNid) });
      await taken.forget(messages.map(({ messageId }) => messageId));
      hasTaken = true;
    }
    return hasTaken;
  }

  /** What is for a server that we do not talk to is for nobody. */
  #taken(message: LeavingDeviceMessage): TakenMessage {
    const { serverName: server, sender, eventType: type, messageId, messagesJson } = message;
    const head = JSON.stringify({ sender, type, message_id: messageId }).slice(0, -1);
    const json = `{"edu_type":"m.direct_to_device","content":${head},"messages":${messagesJson}}}`;
    const isTold = !this.deps.isOurs(server) && this.deps.allows(server);
    return { messageId, edu: { json, routes: isTold ? [{ server, origin: domainOf(sender) }] : [] } };
  }
}
