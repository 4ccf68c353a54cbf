import type { TypingNote } from '../append/typing-rooms.js';
import type { LiveFeed } from '../feed/live-feed.js';
import { Gatherer } from '../gatherer.js';
import type { RoomRecord } from '../ports/read-model.js';
import type { JoinedRooms } from './joined-rooms.js';
import type { TypingCalls } from './typing-calls.js';

/** Nobody types for longer without telling so again. */
const LONGEST_MS = 120_000;
/** Other servers tell it again in time as long as it goes on. */
const REMOTE_TIMEOUT_MS = 60_000;
const GATHER_MS = 250;

/**
 * What clients tell of who is typing, passed on to the appender: it alone keeps the lists and gives their changes a place
 * in the order of everything.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#typing-notifications
 */
export class Typing {
  readonly #notes = new Gatherer<TypingNote>(GATHER_MS, (notes) => this.#tell(notes));

  constructor(
    private readonly feed: LiveFeed,
    private readonly joined: JoinedRooms,
    private readonly calls: TypingCalls,
  ) {}

  /**
   * Resolves once the user would find it in their next /sync; or in two seconds when the appender is not there: it does not
   * last, and clients tell it again.
   *
   * @throws MatrixError M_FORBIDDEN when the user is not in the room
   */
  set(userId: string, roomId: string, timeoutMs: number): Promise<void> {
    return this.feed.use(async () => {
      const { room } = await this.joined.find(userId, roomId);
      await this.#notes.add({ roomNid: room.record.nid, userId, timeoutMs: Math.min(timeoutMs, LONGEST_MS) });
    });
  }

  /** As `set`, for a user of another server, of whom it is known that they are in the room. */
  setRemote(userId: string, room: RoomRecord, typing: boolean): Promise<void> {
    return this.#notes.add({ roomNid: room.nid, userId, timeoutMs: typing ? REMOTE_TIMEOUT_MS : 0 });
  }

  async #tell(notes: readonly TypingNote[]): Promise<void> {
    const latest = new Map(notes.map((note) => [`${note.roomNid} ${note.userId}`, note]));
    const reply = await this.calls.ask([...latest.values()]);
    if (reply !== undefined) await this.feed.reach(reply.position);
  }
}
