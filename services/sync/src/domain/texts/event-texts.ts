import type { EventWithId, GetEventsRequest, RoomLog } from '@ganglion/contracts/room';
import { roomVersionRules } from '@ganglion/protocol';
import { LRUCache } from 'lru-cache';
import { forEachAtMost } from '../at-most.js';
import { type EventText, readEvent } from '../event-text.js';

/** The room whose events are asked for. */
export interface TextRoom {
  /** How room-server numbers the room. */
  readonly nid: number;
  readonly roomId: string;
  readonly roomVersion: string;
}

export type Texts = ReadonlyMap<number, EventText>;

/** Where texts come from. */
export interface TextSource {
  /** The text of an event if it is in memory. */
  get(eventNid: number): EventText | undefined;
  /** The texts of events, those left out that the room-server does not have. @throws what it cannot be reached for */
  load(room: TextRoom, nids: Iterable<number>): Promise<Texts>;
}

/** Events by their numbers, each with its room. */
type Wanted = Map<number, TextRoom>;

/** What is asked for in one turn, so that it is asked at once. */
interface Request {
  readonly wanted: Wanted;
  /** Redacted since it was asked for: what comes may be what was before. */
  readonly stale: Set<number>;
  readonly answer: Promise<Texts>;
}

/** Of a text beside its JSON, in bytes. */
const OVERHEAD = 400;
const PAGE = 200;
/** Calls of one request: nobody may take the room-server for themselves. */
const CALLS_AT_ONCE = 4;

/**
 * The texts of events by their numbers: from memory, which holds so many bytes of them, or made of what the room's log
 * says. Who asks has made sure that they may be seen.
 */
export class EventTexts implements TextSource {
  readonly #known: LRUCache<number, EventText>;
  readonly #nids = new Map<string, number>();
  /** What has not begun, and what is under way. */
  #next: Request | undefined;
  readonly #running = new Set<Request>();

  constructor(
    private readonly log: Pick<RoomLog, 'getEvents'>,
    maxBytes: number,
  ) {
    this.#known = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ json }) => json.length + OVERHEAD,
      dispose: ({ eventId, eventNid }) => {
        if (this.#nids.get(eventId) === eventNid) this.#nids.delete(eventId);
      },
    });
  }

  get(eventNid: number): EventText | undefined {
    return this.#known.get(eventNid);
  }

  async load(room: TextRoom, nids: Iterable<number>): Promise<Texts> {
    const found = new Map<number, EventText>();
    const missing: number[] = [];
    for (const nid of nids) {
      const known = this.#known.get(nid);
      if (known === undefined) missing.push(nid);
      else found.set(nid, known);
    }
    if (missing.length === 0) return found;
    this.#next ??= this.#begin();
    const { wanted, answer } = this.#next;
    for (const nid of missing) wanted.set(nid, room);
    const texts = await answer;
    for (const nid of missing) {
      const text = texts.get(nid);
      if (text !== undefined) found.set(nid, text);
    }
    return found;
  }

  /** The same texts for who reads more than memory should be filled with. */
  readonly passing: TextSource = {
    get: (eventNid) => this.get(eventNid),
    load: (room, nids) => this.#read(new Map(Array.from(nids, (nid) => [nid, room]))),
  };

  /** The text of one event by its id. @throws what the room-server cannot be reached for */
  async find(room: TextRoom, eventId: string): Promise<EventText | undefined> {
    const known = this.#known.get(this.#nids.get(eventId) ?? 0);
    if (known !== undefined) return known;
    const asked = { roomId: room.roomId, eventIds: [eventId], eventNids: [], roomNids: [] };
    const texts = await this.#ask(asked, () => room);
    return texts.find((text) => text.eventId === eventId);
  }

  put(text: EventText): void {
    this.#known.set(text.eventNid, text);
    this.#nids.set(text.eventId, text.eventNid);
  }

  /** An event has another text now. */
  drop(eventNid: number): void {
    this.#known.delete(eventNid);
    for (const request of this.#running) request.stale.add(eventNid);
  }

  clear(): void {
    for (const request of this.#running) for (const nid of request.wanted.keys()) request.stale.add(nid);
    this.#known.clear();
    this.#nids.clear();
  }

  #begin(): Request {
    const request: Request = {
      ...{ wanted: new Map(), stale: new Set() },
      answer: Promise.resolve().then(() => this.#run(request)),
    };
    return request;
  }

  async #run(request: Request): Promise<Texts> {
    this.#next = undefined;
    this.#running.add(request);
    try {
      const texts = await this.#read(request.wanted);
      for (const text of texts.values()) if (!request.stale.has(text.eventNid)) this.put(text);
      return texts;
    } finally {
      this.#running.delete(request);
    }
  }

  /**
   * Of any rooms at once. A room-server of the release before knows nothing of that and has none of what it is asked for
   * then: so what is missing is asked for room by room.
   */
  async #read(wanted: Wanted): Promise<Texts> {
    const texts = new Map<number, EventText>();
    const rooms = Map.groupBy(wanted.keys(), (nid) => wanted.get(nid)!.nid);
    const ofRoom = (nids: readonly number[]) => ({ roomId: wanted.get(nids[0]!)!.roomId, roomNids: [] });
    const ofRooms = (nids: readonly number[]) => ({ roomId: '', roomNids: nids.map((nid) => wanted.get(nid)!.nid) });
    if (rooms.size > 1) await this.#readPages(texts, wanted, pagesOf([...wanted.keys()]), ofRooms);
    const left = [...rooms.values()].map((nids) => nids.filter((nid) => !texts.has(nid)));
    await this.#readPages(texts, wanted, left.flatMap(pagesOf), ofRoom);
    return texts;
  }

  async #readPages(
    texts: Map<number, EventText>,
    wanted: Wanted,
    pages: readonly (readonly number[])[],
    named: (nids: readonly number[]) => Pick<GetEventsRequest, 'roomId' | 'roomNids'>,
  ): Promise<void> {
    await forEachAtMost(pages, CALLS_AT_ONCE, async (nids) => {
      const asked = { ...named(nids), eventIds: [], eventNids: [...nids] };
      for (const text of await this.#ask(asked, (nid) => wanted.get(nid))) texts.set(text.eventNid, text);
    });
  }

  async #ask(asked: GetEventsRequest, roomOf: (eventNid: number) => TextRoom | undefined): Promise<EventText[]> {
    const { events } = await this.log.getEvents(asked);
    return events.flatMap((event) => {
      const room = roomOf(event.eventNid);
      return room === undefined ? [] : textOf(event, room);
    });
  }
}

/** What cannot be read is left out, as it was when it came. */
function textOf(event: EventWithId, { roomId, roomVersion }: TextRoom): EventText[] {
  const rules = roomVersionRules(roomVersion);
  try {
    return rules === undefined ? [] : [readEvent(event, roomId, rules).text];
  } catch {
    return [];
  }
}

function pagesOf(nids: readonly number[]): number[][] {
  const pages: number[][] = [];
  for (let first = 0; first < nids.length; first += PAGE) pages.push(nids.slice(first, first + PAGE));
  return pages;
}
