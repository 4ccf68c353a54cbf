import type {
  ForgetLeavingDeviceMessagesRequest,
  LeavingDeviceMessages,
  ListLeavingDeviceMessagesRequest,
} from '@ganglion/contracts/sync';
import type { LeavingMessageModel } from '../domain/ports/device-message-model.js';

const MAX_LIMIT = 1_000;

/** What our users' devices send to those of other servers' users, as the sender takes it. */
export class LeavingDeviceMessagesRpc implements LeavingDeviceMessages {
  constructor(private readonly model: LeavingMessageModel) {}

  async listLeavingDeviceMessages({ limit }: ListLeavingDeviceMessagesRequest) {
    const waiting = await this.model.leaving(Math.min(limit, MAX_LIMIT));
    return { messages: waiting.map(({ messages: messagesJson, ...message }) => ({ ...message, messagesJson })) };
  }

  async forgetLeavingDeviceMessages({ messageNids }: ForgetLeavingDeviceMessagesRequest) {
    await this.model.forgetLeaving(messageNids);
    return {};
  }
}
