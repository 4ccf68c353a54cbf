import { type LocalReceipt, MatrixError } from '@ganglion/contracts';
import { Gatherer } from '@ganglion/service';
import type { Announcements } from '../feed/announcements.js';
import type { LiveFeed } from '../feed/live-feed.js';
import { belongsToThread } from '../history/threads.js';
import type { RoomRecord } from '../ports/read-model.js';
import type { NewReceipt, ReceiptModel } from '../ports/receipt-model.js';
import type { TimelineEvent } from '../timeline-event.js';
import type { EventFinder } from '../views/event-finder.js';
import type { UserView } from '../views/user-view.js';
import type { UserViews } from '../views/user-views.js';
import type { AwaitedReceipts } from './awaited-receipts.js';
import type { FullyReadMarkers } from './fully-read.js';
import type { JoinedRooms } from './joined-rooms.js';

export interface RoomReader {
  readonly userId: string;
  readonly roomId: string;
}

export interface ReceiptRequest extends RoomReader {
  readonly type: 'm.read' | 'm.read.private';
  readonly eventId: string;
  /** Undefined for a receipt for all of the room. */
  readonly threadId: string | undefined;
}

/** What another server tells of one of its users. */
export interface RemoteReceipt {
  readonly userId: string;
  readonly eventId: string;
  /** Empty for a receipt for all of the room. */
  readonly threadId: string;
  /** As the other server says: milliseconds since the epoch. */
  readonly ts: number;
}

export interface ReceiptsDependencies {
  readonly feed: LiveFeed;
  readonly finder: EventFinder;
  readonly receipts: ReceiptModel;
  readonly users: UserViews;
  readonly awaited: AwaitedReceipts;
  readonly joined: JoinedRooms;
  readonly announcements: Announcements;
  readonly fullyRead: FullyReadMarkers;
  /** Tells the appender that receipts wait. */
  readonly announce: () => void;
  /** Tells other servers what our users have read. */
  readonly tellOthers: (receipts: readonly LocalReceipt[]) => void;
}

/** A receipt, and what other servers are told of it: nothing of what is private, and of what they have told us. */
interface Told {
  readonly receipt: NewReceipt;
  readonly toOthers?: LocalReceipt;
}

const GATHER_MS = 250;

/** What users say they have read. @see https://spec.matrix.org/v1.19/client-server-api/#receipts */
export class Receipts {
  readonly #gathered = new Gatherer<Told>(GATHER_MS, (told) => this.#handOver(told));

  constructor(private readonly deps: ReceiptsDependencies) {}

  /**
   * Stores receipts; those that are behind what was read before change nothing. Resolves once they are kept and the user
   * would find them in their next /sync; or in two seconds when they are kept, but the appender is not there.
   *
   * @throws MatrixError M_FORBIDDEN, M_NOT_FOUND, M_INVALID_PARAM when an event has nothing to do with the thread; then none
   *   of them is stored
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid
   */
  post(requests: readonly ReceiptRequest[]): Promise<void> {
    return this.deps.feed.use(async () => {
      const receipts = await Promise.all(requests.map((request) => this.#receipt(request)));
      await Promise.all(receipts.map((receipt, index) => this.#put(receipt, requests[index]!.roomId)));
    });
  }

  /**
   * Keeps a receipt that another server tells of one of its users, of whom it is known that they are in the room. One for an
   * event that is not here is left out.
   */
  async putRemote(room: RoomRecord, { userId, eventId, threadId, ts }: RemoteReceipt): Promise<void> {
    const event = await this.#find(room, eventId, userId);
    if (event === undefined) return;
    const { roomNid, position: eventPosition } = event.place;
    const receipt = { roomNid, userId, type: 'm.read', threadId, eventId, eventPosition, ts } as const;
    await this.#gathered.add({ receipt });
  }

  /** @throws MatrixError M_FORBIDDEN, M_NOT_FOUND */
  async setFullyRead(reader: RoomReader, eventId: string): Promise<void> {
    const { room, event } = await this.deps.feed.use(() => this.#event(reader, eventId));
    await this.deps.fullyRead.set(reader.userId, room, event);
  }

  async #receipt(request: ReceiptRequest): Promise<NewReceipt> {
    const { userId, type, eventId, threadId = '' } = request;
    const { room, event } = await this.#event(request, eventId);
    const find = (id: string) => this.deps.finder.find(room, id, userId);
    if (threadId !== '' && !(await belongsToThread(find, event, threadId))) {
      throw new MatrixError(400, 'M_INVALID_PARAM', `${eventId} does not belong to the thread ${threadId}`);
    }
    const { roomNid, position: eventPosition } = event.place;
    return { roomNid, userId, type, threadId, eventId, eventPosition, ts: Date.now() };
  }

  async #put(receipt: NewReceipt, roomId: string): Promise<void> {
    const { users, awaited } = this.deps;
    if (hasRead(await users.get(receipt.userId), receipt)) return;
    // It may be told before it is known to be kept.
    const told = awaited.wait(receipt);
    const { type, userId, eventId, threadId, ts } = receipt;
    const toOthers = { roomId, userId, eventId, threadId, ts };
    await this.#gathered.add({ receipt, ...(type === 'm.read' && { toOthers }) });
    await told;
  }

  async #handOver(told: readonly Told[]): Promise<void> {
    await this.deps.receipts.handOver(told.map(({ receipt }) => receipt));
    this.deps.announce();
    this.deps.tellOthers(told.flatMap(({ toOthers }) => toOthers ?? []));
  }

  /** The event of a room that the user is in. */
  async #event({ userId, roomId }: RoomReader, eventId: string): Promise<{ room: RoomRecord; event: TimelineEvent }> {
    const { record: room } = (await this.deps.joined.find(userId, roomId)).room;
    const event = await this.#find(room, eventId, userId);
    if (event === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such event in the room');
    return { room, event };
  }

  /** It may have come a moment ago. */
  async #find(room: RoomRecord, eventId: string, userId: string): Promise<TimelineEvent | undefined> {
    const { announcements, finder } = this.deps;
    const known = await finder.find(room, eventId, userId);
    if (known !== undefined) return known;
    await announcements.settled(room.roomId);
    return finder.find(room, eventId, userId);
  }
}

/** Whether a user has read as far as a receipt says, by one of the same kind. */
function hasRead({ rooms }: UserView, { roomNid, type, threadId, eventPosition }: NewReceipt): boolean {
  const known = rooms.get(roomNid)?.marks.receipt(type, threadId);
  return known !== undefined && known >= eventPosition;
}
