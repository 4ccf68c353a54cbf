import type { RoomLog } from '@ganglion/contracts/room';
import { roomVersionRules } from '@ganglion/protocol';
import { LRUCache } from 'lru-cache';
import { type EventText, readEvent } from '../event-text.js';

/** The room whose events are asked for. */
export interface TextRoom {
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

/** What is asked of a room in one turn, so that it is asked at once. */
interface Request {
  readonly nids: Set<number>;
  /** Redacted since it was asked for: what comes may be what was before. */
  readonly stale: Set<number>;
  readonly answer: Promise<Texts>;
}

/** Of a text beside its JSON, in bytes. */
const OVERHEAD = 400;
const PAGE = 200;

/**
 * The texts of events by their numbers: from memory, which holds so many bytes of them, or made of what the room's log
 * says. Who asks has made sure that they may be seen.
 */
export class EventTexts implements TextSource {
  readonly #known: LRUCache<number, EventText>;
  readonly #nids = new Map<string, number>();
  /** Those of each room that have not begun, and those that are under way. */
  readonly #next = new Map<string, Request>();
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
    const request = this.#requestFor(room);
    for (const nid of missing) request.nids.add(nid);
    const texts = await request.answer;
    for (const nid of missing) {
      const text = texts.get(nid);
      if (text !== undefined) found.set(nid, text);
    }
    return found;
  }

  /** The same texts for who reads more than memory should be filled with. */
  readonly passing: TextSource = {
    get: (eventNid) => this.get(eventNid),
    load: (room, nids) => this.#read(room, [...new Set(nids)]),
  };

  /** The text of one event by its id. @throws what the room-server cannot be reached for */
  async find(room: TextRoom, eventId: string): Promise<EventText | undefined> {
    const known = this.#known.get(this.#nids.get(eventId) ?? 0);
    if (known !== undefined) return known;
    const texts = await this.#ask(room, { eventIds: [eventId], eventNids: [] });
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
    for (const request of this.#running) for (const nid of request.nids) request.stale.add(nid);
    this.#known.clear();
    this.#nids.clear();
  }

  #requestFor(room: TextRoom): Request {
    const waiting = this.#next.get(room.roomId);
    if (waiting !== undefined) return waiting;
    const nids = new Set<number>();
    const request: Request = { nids, stale: new Set(), answer: Promise.resolve().then(() => this.#run(room, request)) };
    this.#next.set(room.roomId, request);
    return request;
  }

  async #run(room: TextRoom, request: Request): Promise<Texts> {
    this.#next.delete(room.roomId);
    this.#running.add(request);
    try {
      const texts = await this.#read(room, [...request.nids]);
      for (const text of texts.values()) if (!request.stale.has(text.eventNid)) this.put(text);
      return texts;
    } finally {
      this.#running.delete(request);
    }
  }

  async #read(room: TextRoom, nids: readonly number[]): Promise<Texts> {
    const texts = new Map<number, EventText>();
    for (let first = 0; first < nids.length; first += PAGE) {
      const eventNids = nids.slice(first, first + PAGE);
      for (const text of await this.#ask(room, { eventIds: [], eventNids })) texts.set(text.eventNid, text);
    }
    return texts;
  }

  async #ask({ roomId, roomVersion }: TextRoom, wanted: { eventIds: string[]; eventNids: number[] }) {
    const rules = roomVersionRules(roomVersion);
    if (rules === undefined) throw new Error(`unknown room version ${roomVersion}`);
    const { events } = await this.log.getEvents({ roomId, ...wanted });
    return events.flatMap((event) => {
      try {
        return readEvent(event, roomId, rules).text;
      } catch {
        // As it was left out when it came.
        return [];
      }
    });
  }
}
