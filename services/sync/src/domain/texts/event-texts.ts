import { Coalescer } from '@ganglion/contracts';
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

/** An event by its id. */
interface Named {
  readonly room: TextRoom;
  readonly eventId: string;
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
  /** How often everything was forgotten. */
  #clears = 0;
  readonly #found = new Coalescer<Named, EventText | undefined>((named) => this.#findAll(named));

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
    load: (room, nids) => this.#loadPassing(room, [...nids]),
  };

  async #loadPassing(room: TextRoom, nids: readonly number[]): Promise<Texts> {
    const known = nids.flatMap((nid) => this.get(nid) ?? []);
    const found = new Map(known.map((text) => [text.eventNid, text]));
    const missing = nids.filter((nid) => !found.has(nid));
    if (missing.length === 0) return found;
    const read = await this.#read(new Map(missing.map((nid) => [nid, room])));
    return new Map([...found, ...read]);
  }

  /** The text of one event by its id. @throws what the room-server cannot be reached for */
  async find(room: TextRoom, eventId: string): Promise<EventText | undefined> {
    const known = this.#known.get(this.#nids.get(eventId) ?? 0);
    if (known !== undefined) return known;
    return this.#found.load({ room, eventId });
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
    this.#clears += 1;
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

  /** Many may ask for the same event at once: everybody who reads a room reads what was said there last. */
  async #findAll(named: readonly Named[]): Promise<(EventText | undefined)[]> {
    const request = { wanted: new Map(), stale: new Set<number>(), answer: Promise.resolve(new Map()) };
    const clears = this.#clears;
    const texts = new Map<string, EventText>();
    this.#running.add(request);
    try {
      const rooms = [...Map.groupBy(named, ({ room }) => room.roomId)];
      await forEachAtMost(rooms, CALLS_AT_ONCE, async ([roomId, all]) => {
        const { room } = all[0]!;
        for (const eventIds of pagesOf([...new Set(all.map(({ eventId }) => eventId))])) {
          const asked = { roomId, eventIds, eventNids: [], roomNids: [] };
          for (const text of await this.#ask(asked, () => room)) texts.set(text.eventId, text);
        }
      });
    } finally {
      this.#running.delete(request);
    }
    const isFresh = ({ eventNid }: EventText) => clears === this.#clears && !request.stale.has(eventNid);
    for (const text of texts.values()) if (isFresh(text)) this.put(text);
    return named.map(({ eventId }) => texts.get(eventId));
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

function pagesOf<T>(nids: readonly T[]): T[][] {
  const pages: T[][] = [];
  for (let first = 0; first < nids.length; first += PAGE) pages.push(nids.slice(first, first + PAGE));
  return pages;
}
