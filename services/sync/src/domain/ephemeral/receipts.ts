import { MatrixError } from '@ganglion/contracts';
import type { Announcements } from '../feed/announcements.js';
import type { LiveFeed } from '../feed/live-feed.js';
import { belongsToThread } from '../history/threads.js';
import type { ReadModel } from '../ports/read-model.js';
import type { ReceiptModel } from '../ports/receipt-model.js';
import type { TimelineEvent } from '../timeline-event.js';
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
  readonly model: ReadModel;
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
    const { model, receipts, announce } = this.deps;
    const { userId, type, eventId, threadId = '' } = request;
    const event = await this.#event(request, eventId);
    if (threadId !== '' && !(await belongsToThread(model, event, threadId))) {
      throw new MatrixError(400, 'M_INVALID_PARAM', `${eventId} does not belong to the thread ${threadId}`);
    }
    const { roomNid, position: eventPosition } = event;
    const receipt = { roomNid, userId, type, threadId, eventId, eventPosition, ts: Date.now() };
    if (await receipts.putReceipt(receipt)) announce();
  }

  /** @throws MatrixError M_FORBIDDEN, M_NOT_FOUND */
  async setFullyRead(reader: Reader, eventId: string): Promise<void> {
    const event = await this.#event(reader, eventId);
    await this.deps.fullyRead.set(reader.userId, reader.roomId, event);
  }

  /** The event of a room that the user is in. */
  #event({ userId, roomId }: Reader, eventId: string): Promise<TimelineEvent> {
    const { feed, joined, announcements } = this.deps;
    return feed.use(async () => {
      const { room } = await joined.find(userId, roomId);
      const known = await this.#eventOf(room.record.nid, eventId);
      if (known !== undefined) return known;
      await announcements.settled(roomId);
      const event = await this.#eventOf(room.record.nid, eventId);
      if (event === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such event in the room');
      return event;
    });
  }

  async #eventOf(roomNid: number, eventId: string): Promise<TimelineEvent | undefined> {
    const event = await this.deps.model.findEvent(eventId);
    return event?.roomNid === roomNid ? event : undefined;
  }
}
