import type { TypingNote } from '../append/typing-rooms.js';
import type { LiveFeed } from '../feed/live-feed.js';
import type { JoinedRooms } from './joined-rooms.js';

/** Nobody types for longer without telling so again. */
const LONGEST_MS = 120_000;

/**
 * What clients tell of who is typing, passed on to the appender: it alone keeps the lists and gives their changes a place
 * in the order of everything.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#typing-notifications
 */
export class Typing {
  constructor(
    private readonly feed: LiveFeed,
    private readonly joined: JoinedRooms,
    private readonly tell: (note: TypingNote) => void,
  ) {}

  /** @throws MatrixError M_FORBIDDEN when the user is not in the room */
  set(userId: string, roomId: string, timeoutMs: number): Promise<void> {
    return this.feed.use(async () => {
      const { room } = await this.joined.find(userId, roomId);
      this.tell({ roomNid: room.record.nid, userId, timeoutMs: Math.min(timeoutMs, LONGEST_MS) });
    });
  }
}
