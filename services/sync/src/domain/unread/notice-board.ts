import { threadIdAfter } from '@ganglion/protocol';
import type { ReadModel } from '../ports/read-model.js';
import type { TimelineEvent } from '../timeline-event.js';
import type { RoomView } from '../views/room-view.js';
import type { Evaluated, Evaluations } from './evaluations.js';
import { isMessage, isRedacted, type Notice, type Verdict } from './notice.js';

/** How many events before those in memory are looked at for who has not read them; kept are up to twice as many notices. */
const MAX_EVENTS = 1_000;

/**
 * The latest events of a room that count for unread notifications, by one set of rules. It starts with the events that are
 * in memory, looks further back only when somebody has not read them, and goes on with what is new.
 */
export class NoticeBoard {
  #notices: Notice[] = [];
  readonly #threads = new Map<string, string>();
  /** Complete above this position … */
  #after: number;
  /** … and up to this one. */
  #upTo: number;
  #eventsBefore = 0;
  #reaching: Promise<void> | undefined;
  /** How often a notice has been taken off: counts that had it in are wrong. */
  removals = 0;

  constructor(
    view: RoomView,
    private readonly model: ReadModel,
    private readonly evaluations: Evaluations,
    private readonly verdictOf: (evaluated: Evaluated, view: RoomView) => Verdict,
  ) {
    this.#after = view.windowStart;
    this.#upTo = view.windowStart;
  }

  get size(): number {
    return this.#notices.length;
  }

  /** Whether the room's events in memory still follow on what the board has. */
  follows(view: RoomView): boolean {
    return view.covers(this.#upTo);
  }

  /** Takes over what is new of the room. */
  extend(view: RoomView): void {
    const events = view.between(this.#upTo, Number.POSITIVE_INFINITY);
    for (const event of events) {
      if (event.type === 'm.room.redaction') this.#forget(JSON.parse(event.json).redacts);
      const notice = this.#noticeOf(event, view);
      if (notice !== undefined) this.#notices.push(notice);
    }
    this.#upTo = events.at(-1)?.position ?? this.#upTo;
    if (this.#notices.length > 2 * MAX_EVENTS) this.#trim();
  }

  /** Looks further back, down to a position or until it has looked at many. */
  async reach(position: number, view: RoomView): Promise<void> {
    while (position < this.#after && this.#eventsBefore < MAX_EVENTS) {
      this.#reaching ??= this.#readBefore(position, view).finally(() => {
        this.#reaching = undefined;
      });
      await this.#reaching;
    }
  }

  /** What counts above one position and up to another, oldest first. */
  between(above: number, upTo: number): readonly Notice[] {
    const first = this.#notices.findLastIndex(({ position }) => position <= above) + 1;
    const last = this.#notices.findLastIndex(({ position }) => position <= upTo) + 1;
    return this.#notices.slice(first, last);
  }

  async #readBefore(position: number, view: RoomView): Promise<void> {
    const limit = MAX_EVENTS - this.#eventsBefore;
    const before = this.#after;
    const page = { roomNid: view.record.nid, above: position, upTo: before, direction: 'backwards', limit } as const;
    const events = (await this.model.events(page)).reverse();
    // Meanwhile the board may have forgotten what these would join.
    if (this.#after !== before) return;
    const notices = events.map((event) => this.#noticeOf(event, view)).filter((notice) => notice !== undefined);
    this.#notices = [...notices, ...this.#notices];
    this.#eventsBefore += events.length;
    this.#after = events.length < limit ? position : (events[0]?.position ?? position + 1) - 1;
  }

  #noticeOf(event: TimelineEvent, view: RoomView): Notice | undefined {
    if (isRedacted(event)) return undefined;
    const evaluated = this.evaluations.of(event, view);
    const threadId = threadIdAfter(evaluated.content, (eventId) => this.#threads.get(eventId));
    const verdict = this.verdictOf(evaluated, view);
    if (!verdict.notifies && verdict.mentions === undefined && !isMessage(event)) return undefined;
    const { position, eventId, sender, stateKey } = event;
    if (threadId !== 'main') this.#threads.set(eventId, threadId);
    return { position, eventId, sender, isState: stateKey !== undefined, threadId, ...verdict };
  }

  #forget(eventId: unknown): void {
    const index = this.#notices.findLastIndex((notice) => notice.eventId === eventId);
    if (index < 0) return;
    this.#notices = this.#notices.toSpliced(index, 1);
    this.removals += 1;
  }

  #trim(): void {
    const dropped = this.#notices.splice(0, this.#notices.length - MAX_EVENTS);
    for (const { eventId } of dropped) this.#threads.delete(eventId);
    this.#after = dropped.at(-1)?.position ?? this.#after;
    this.#eventsBefore = MAX_EVENTS;
  }
}
