import { type LocalTyping, partsOf } from '@ganglion/contracts';
import { Gatherer } from '@ganglion/service';
import type { TypingNote } from '../append/typing-rooms.js';
import type { LiveFeed } from '../feed/live-feed.js';
import type { RoomRecord } from '../ports/read-model.js';
import type { JoinedRooms } from './joined-rooms.js';
import type { TypingCalls } from './typing-calls.js';

/** Nobody types for longer without telling so again. */
const LONGEST_MS = 120_000;
/** Other servers tell it again in time as long as it goes on. */
const REMOTE_TIMEOUT_MS = 60_000;
const GATHER_MS = 250;
/** In one message. */
const MAX_TOLD = 500;

/** What the appender is told, and other servers of users of ours. */
interface Told {
  readonly note: TypingNote;
  readonly toOthers?: LocalTyping;
}

/**
 * What clients tell of who is typing, passed on to the appender: it alone keeps the lists and gives their changes a place
 * in the order of everything.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#typing-notifications
 */
export class Typing {
  readonly #notes = new Gatherer<Told>(GATHER_MS, (told) => this.#tell(told));

  constructor(
    private readonly feed: LiveFeed,
    private readonly joined: JoinedRooms,
    private readonly calls: TypingCalls,
    /** Tells other servers of our users. */
    private readonly tellOthers: (typing: readonly LocalTyping[]) => void,
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
      const typing = { userId, timeoutMs: Math.min(timeoutMs, LONGEST_MS) };
      await this.#notes.add({ note: { roomNid: room.record.nid, ...typing }, toOthers: { roomId, ...typing } });
    });
  }

  /** As `set`, for a user of another server, of whom it is known that they are in the room. */
  setRemote(userId: string, room: RoomRecord, typing: boolean): Promise<void> {
    return this.#notes.add({ note: { roomNid: room.nid, userId, timeoutMs: typing ? REMOTE_TIMEOUT_MS : 0 } });
  }

  async #tell(told: readonly Told[]): Promise<void> {
    const latest = new Map(told.map((each) => [`${each.note.roomNid} ${each.note.userId}`, each]));
    this.tellOthers([...latest.values()].flatMap(({ toOthers }) => toOthers ?? []));
    const notes = [...latest.values()].map(({ note }) => note);
    const replies = await Promise.all(partsOf(notes, MAX_TOLD).map((part) => this.calls.ask(part)));
    const position = Math.max(...replies.map((reply) => reply?.position ?? 0));
    if (position > 0) await this.feed.reach(position);
  }
}
