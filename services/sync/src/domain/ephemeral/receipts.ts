import { MatrixError } from '@ganglion/contracts';
import type { Announcements } from '../feed/announcements.js';
import type { LiveFeed } from '../feed/live-feed.js';
import { belongsToThread } from '../history/threads.js';
import type { RoomRecord } from '../ports/read-model.js';
import type { ReceiptModel } from '../ports/receipt-model.js';
import type { TimelineEvent } from '../timeline-event.js';
import type { EventFinder } from '../views/event-finder.js';
import type { FullyReadMarkers } from './fully-read.js';
import type { JoinedRooms } from './joined-rooms.js';

export interface Reader {
  readonly userId: string;
  readonly roomId: string;
}

export interface ReceiptRequest extends Reader {
  readonly type: 'm.read' | 'm.read.private';
  readonly eventId: string;
  /** Undefined for a receipt for all of the room. */
  readonly threadId: string | undefined;
}

export interface ReceiptsDependencies {
  readonly feed: LiveFeed;
  readonly finder: EventFinder;
  readonly receipts: ReceiptModel;
  readonly joined: JoinedRooms;
  readonly announcements: Announcements;
  readonly fullyRead: FullyReadMarkers;
  /** Tells the appender that a receipt waits. */
  readonly announce: () => void;
}

/** What users say they have read. @see https://spec.matrix.org/v1.19/client-server-api/#receipts */
export class Receipts {
  constructor(private readonly deps: ReceiptsDependencies) {}

  /**
   * Stores a receipt; one that is behind what was read before changes nothing.
   *
   * @throws MatrixError M_FORBIDDEN, M_NOT_FOUND, M_INVALID_PARAM when the event has nothing to do with the thread
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid
   */
  async post(request: ReceiptRequest): Promise<void> {
    const { finder, receipts, announce } = this.deps;
    const { userId, type, eventId, threadId = '' } = request;
    const { room, event } = await this.#event(request, eventId);
    const find = (id: string) => finder.find(room, id, userId);
    if (threadId !== '' && !(await belongsToThread(find, event, threadId))) {
      throw new MatrixError(400, 'M_INVALID_PARAM', `${eventId} does not belong to the thread ${threadId}`);
    }
    const { roomNid, position: eventPosition } = event.place;
    const receipt = { roomNid, userId, type, threadId, eventId, eventPosition, ts: Date.now() };
    if (await receipts.putReceipt(receipt)) announce();
  }

  /** @throws MatrixError M_FORBIDDEN, M_NOT_FOUND */
  async setFullyRead(reader: Reader, eventId: string): Promise<void> {
    const { room, event } = await this.#event(reader, eventId);
    await this.deps.fullyRead.set(reader.userId, room, event);
  }

  /** The event of a room that the user is in. */
  #event({ userId, roomId }: Reader, eventId: string): Promise<{ room: RoomRecord; event: TimelineEvent }> {
    const { feed, joined, announcements, finder } = this.deps;
    return feed.use(async () => {
      const { record: room } = (await joined.find(userId, roomId)).room;
      const known = await finder.find(room, eventId, userId);
      if (known !== undefined) return { room, event: known };
      await announcements.settled(roomId);
      const event = await finder.find(room, eventId, userId);
      if (event === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such event in the room');
      return { room, event };
    });
  }
}
