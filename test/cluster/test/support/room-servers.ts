import { createHash } from 'node:crypto';
import { type Rooms, RoomsDefinition } from '@ganglion/contracts/room';
import { type Tokens, TokensDefinition } from '@ganglion/contracts/user';
import { createRpcClient, parseEndpoints } from '@ganglion/rpc';
import type { MatrixUser, Replica } from '@ganglion/testing';

/** One room-server, called past the routing that sends a room to one of them. */
export class RoomServerClient {
  readonly #rooms: Rooms & { close(): Promise<void> };

  constructor({ rpc }: Replica) {
    this.#rooms = createRpcClient<Rooms>(RoomsDefinition, { resolver: parseEndpoints([rpc]) });
  }

  /** Sends a message as client-api would. @param deviceNid of the sender's device */
  async send({ userId, deviceId }: MatrixUser, roomId: string, txnId: string, deviceNid = 0): Promise<string> {
    const type = 'm.room.message';
    const contentJson = JSON.stringify({ msgtype: 'm.text', body: txnId });
    const transaction = { userId, deviceId, txnId, scope: `${deviceNid} send ${type}` };
    const { eventId } = await this.#rooms.sendEvent({
      roomId,
      sender: userId,
      event: { type, contentJson },
      transaction,
    });
    return eventId;
  }

  close(): Promise<void> {
    return this.#rooms.close();
  }
}

/** The number that this login of a user has, as the services know it. */
export async function deviceNidOf({ rpc }: Replica, { accessToken }: MatrixUser): Promise<number> {
  const tokens = createRpcClient<Tokens>(TokensDefinition, { resolver: parseEndpoints([rpc]) });
  try {
    const { deviceNid } = await tokens.whoIs({ tokenHash: createHash('sha256').update(accessToken).digest() });
    if (deviceNid === undefined) throw new Error('the device has no number');
    return deviceNid;
  } finally {
    await tokens.close();
  }
}
