import { type Rooms, RoomsDefinition } from '@ganglion/contracts/room';
import { createRpcClient, parseEndpoints } from '@ganglion/rpc';
import type { MatrixUser, Replica } from '@ganglion/testing';

/** One room-server, called past the routing that sends a room to one of them. */
export class RoomServerClient {
  readonly #rooms: Rooms & { close(): Promise<void> };

  constructor({ rpc }: Replica) {
    this.#rooms = createRpcClient<Rooms>(RoomsDefinition, { resolver: parseEndpoints([rpc]) });
  }

  /** Sends a message as client-api would. */
  async send({ userId, deviceId }: MatrixUser, roomId: string, txnId: string): Promise<string> {
    const type = 'm.room.message';
    const contentJson = JSON.stringify({ msgtype: 'm.text', body: txnId });
    const transaction = { userId, deviceId, txnId, scope: `send ${type}` };
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
