import type { Bus, ConsumerDefinition, Delivery, Subscription } from '@ganglion/bus';
import { isMatrixError, ROOM_EVENTS } from '@ganglion/contracts';
import {
  type ListUsersWithoutGuestsResponse,
  MembershipAction,
  type RoomEvents,
  type RoomReads,
  type Rooms,
} from '@ganglion/contracts/room';

const GUEST_ACCESS = 'm.room.guest_access';

const ROOMS: ConsumerDefinition<RoomEvents> = {
  stream: ROOM_EVENTS,
  durable: 'user-server-guests',
  maxBatch: 256,
  maxAttempts: 20,
  backoffMs: [50, 200, 1_000, 5_000],
  key: ({ roomId }) => roomId,
};

/** Which of some users are guests. */
export interface Guests {
  guestsAmong(userIds: readonly string[]): Promise<readonly string[]>;
}

/**
 * Takes guests out of rooms that do not let them in any more. Where no guests are allowed on this server, nobody needs to listen.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#guest-access
 */
export class GuestAccess {
  #subscription: Subscription | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly rooms: Rooms,
    private readonly roomReads: RoomReads,
    private readonly guests: Guests,
  ) {}

  async start(): Promise<void> {
    this.#subscription = await this.bus.consume(ROOMS, (batch) => this.#read(batch));
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop();
  }

  async #read(batch: readonly Delivery<RoomEvents>[]): Promise<void> {
    const rooms = batch.filter(({ message }) => concernsGuests(message)).map(({ message }) => message.roomId);
    for (const roomId of new Set(rooms)) await this.#clear(roomId);
  }

  /** By what the room says now: what it said in between does not matter. */
  async #clear(roomId: string): Promise<void> {
    for (let afterUser: string | undefined = ''; afterUser !== undefined; ) {
      const page: ListUsersWithoutGuestsResponse = await this.roomReads.listUsersWithoutGuests({ roomId, afterUser });
      await this.#takeOut(roomId, page.userIds);
      afterUser = page.nextUser;
    }
  }

  async #takeOut(roomId: string, userIds: readonly string[]): Promise<void> {
    if (userIds.length === 0) return;
    for (const userId of await this.guests.guestsAmong(userIds)) {
      const leave = { roomId, sender: userId, target: userId, action: MembershipAction.LEAVE, contentJson: '{}' };
      try {
        await this.rooms.changeMembership(leave);
      } catch (error) {
        // They have gone by themselves, or the room lets nobody do anything.
        if (!isMatrixError(error) || error.status >= 500) throw error;
      }
    }
  }
}

function concernsGuests({ events }: RoomEvents): boolean {
  return events.some(({ stateChanges }) => stateChanges.some(({ type }) => type === GUEST_ACCESS));
}
