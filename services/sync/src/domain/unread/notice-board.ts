import { threadIdAfter } from '@ganglion/protocol';
import type { LoudEvents, Page, ReadModel } from '../ports/read-model.js';
import type { EventTexts } from '../texts/event-texts.js';
import { showEvents } from '../texts/shown-events.js';
import type { EventPlace, TimelineEvent } from '../timeline-event.js';
import type { RoomView } from '../views/room-view.js';
import { type Evaluated, type Evaluations, type RoomNow, roomNow } from './evaluations.js';
import { isMessage, isRedacted, type Notice, type Verdict } from './notice.js';

export interface BoardDependencies {
  readonly model: ReadModel;
  readonly texts: EventTexts;
  readonly evaluations: Evaluations;
  /** Whether these are the usual rules, so that what is quiet need not be looked at. */
  readonly isUsual: boolean;
  /** By which rules, as they are applied in the room now. */
  readonly verdicts: (view: RoomView) => Promise<(evaluated: Evaluated) => Verdict>;
}

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
    private readonly deps: BoardDependencies,
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
  async extend(view: RoomView): Promise<void> {
    const places = view.between(this.#upTo, Number.MAX_SAFE_INTEGER);
    const last = places.at(-1)?.position;
    if (last === undefined) return;
    const notices = await this.#read(view, places);
    // Others may have taken some over meanwhile.
    this.#notices.push(...notices.filter(({ position }) => position > this.#upTo));
    for (const { position, redactsNid } of places) if (position > this.#upTo) this.#forget(redactsNid);
    this.#upTo = Math.max(this.#upTo, last);
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
    const { model, isUsual } = this.deps;
    const page = { roomNid: view.record.nid, above: position, upTo: before, limit };
    const { places, lookedDownTo } = isUsual ? await model.loudEvents(page) : await allEvents(model, page);
    const notices = await this.#read(view, places.toReversed());
    // Meanwhile the board may have forgotten what these would join.
    if (this.#after !== before) return;
    this.#notices = [...notices, ...this.#notices];
    this.#eventsBefore = lookedDownTo === position ? this.#eventsBefore + places.length : MAX_EVENTS;
    this.#after = lookedDownTo;
  }

  /** Reads events by the rules and the room as they are now. */
  async #read(view: RoomView, places: readonly EventPlace[]): Promise<Notice[]> {
    const { texts, isUsual, verdicts } = this.deps;
    const wanted = isUsual ? places.filter(({ isQuiet }) => !isQuiet) : places;
    if (wanted.length === 0) return [];
    const [room, verdictOf] = await Promise.all([roomNow(texts, view), verdicts(view)]);
    const events = await showEvents(texts, view.record, wanted);
    return events.flatMap((event) => this.#noticeOf(event, room, verdictOf) ?? []);
  }

  #noticeOf(event: TimelineEvent, room: RoomNow, verdictOf: (evaluated: Evaluated) => Verdict): Notice | undefined {
    if (isRedacted(event)) return undefined;
    const evaluated = this.deps.evaluations.of(event, room);
    const threadId = threadIdAfter(evaluated.content, (eventId) => this.#threads.get(eventId));
    const verdict = verdictOf(evaluated);
    const isTold = verdict.notifies || verdict.mentions !== undefined || verdict.followed?.notifies;
    if (!isTold && !isMessage(event)) return undefined;
    const { eventId, eventNid, sender, stateKey } = event.text;
    const { position } = event.place;
    if (threadId !== 'main') this.#threads.set(eventId, threadId);
    return { position, eventId, eventNid, sender, isState: stateKey !== undefined, threadId, ...verdict };
  }

  #forget(eventNid: number | undefined): void {
    if (eventNid === undefined) return;
    const index = this.#notices.findLastIndex((notice) => notice.eventNid === eventNid);
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

async function allEvents(model: ReadModel, page: Omit<Page, 'direction'>): Promise<LoudEvents> {
  const places = await model.events({ ...page, direction: 'backwards' });
  const first = places.at(-1)?.position ?? page.above + 1;
  return { places, lookedDownTo: places.length < page.limit ? page.above : first - 1 };
}
