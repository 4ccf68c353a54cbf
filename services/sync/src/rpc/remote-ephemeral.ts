import type {
  PutRemoteReceiptsRequest,
  RemoteEphemeral,
  SendToDevicesRequest,
  SetRemotePresenceRequest,
  SetRemoteTypingRequest,
} from '@ganglion/contracts/sync';
import type { ContentsByDevice, DeviceMessaging } from '../domain/devices/device-messaging.js';
import type { Receipts } from '../domain/ephemeral/receipts.js';
import type { Typing } from '../domain/ephemeral/typing.js';
import type { LiveFeed } from '../domain/feed/live-feed.js';
import type { ReadModel, RoomRecord } from '../domain/ports/read-model.js';
import type { OwnPresence } from '../domain/presence/own-presence.js';
import type { PresenceState } from '../domain/presence/presence.js';

export interface RemoteEphemeralDependencies {
  readonly feed: LiveFeed;
  readonly model: Pick<ReadModel, 'findRoom'>;
  readonly typing: Typing;
  readonly receipts: Receipts;
  readonly presence: Pick<OwnPresence, 'setRemote'>;
  readonly deviceMessaging: DeviceMessaging;
}

interface InRoom {
  readonly roomId: string;
}

/** What other servers tell of their users in our rooms. */
export class RemoteEphemeralRpc implements RemoteEphemeral {
  constructor(private readonly deps: RemoteEphemeralDependencies) {}

  async setTyping({ typing }: SetRemoteTypingRequest) {
    await this.#inRooms(typing, (room, told) => this.deps.typing.setRemote(told.userId, room, told.typing));
    return {};
  }

  async putReceipts({ receipts }: PutRemoteReceiptsRequest) {
    await this.#inRooms(receipts, (room, told) => this.deps.receipts.putRemote(room, told));
    return {};
  }

  async setPresence({ presence }: SetRemotePresenceRequest) {
    const told = presence.map(({ userId, presence: state, statusMsg, lastActiveAgoMs }) => ({
      ...{ userId, state: state as PresenceState, statusMsg, lastActiveAgoMs },
    }));
    await this.deps.presence.setRemote(told);
    return {};
  }

  async sendToDevices({ sender: userId, messageId: txnId, eventType, messagesJson }: SendToDevicesRequest) {
    const messages = JSON.parse(messagesJson) as ContentsByDevice;
    // Nobody knows from which of their devices.
    await this.deps.deviceMessaging.sendToDevice({ sender: { userId, deviceId: '' }, eventType, txnId, messages });
    return {};
  }

  /** Does something about each thing whose room is known here. */
  #inRooms<T extends InRoom>(things: readonly T[], use: (room: RoomRecord, thing: T) => Promise<void>): Promise<void> {
    return this.deps.feed.use(async () => {
      const roomIds = [...new Set(things.map(({ roomId }) => roomId))];
      const found = await Promise.all(roomIds.map((roomId) => this.deps.model.findRoom(roomId)));
      const rooms = new Map(found.flatMap((room) => (room === undefined ? [] : [[room.roomId, room] as const])));
      await Promise.all(
        things.map(async (thing) => {
          const room = rooms.get(thing.roomId);
          if (room !== undefined) await use(room, thing);
        }),
      );
    });
  }
}
