import { LRUCache } from 'lru-cache';
import type { AppendBatch } from '../append-batch.js';
import type { ReadModel, RoomRecord } from '../ports/read-model.js';
import type { EventTexts } from '../texts/event-texts.js';
import { RoomLoads } from './room-loads.js';
import { RoomView } from './room-view.js';

type Change = (view: RoomView) => void;

interface Loading {
  readonly view: Promise<RoomView>;
  /** What the feed brought since the load began. */
  readonly meanwhile: Change[];
}

/** Versions of state and events that a usual room has in memory; each is about a hundred and fifty bytes. */
const USUAL_WEIGHT = 200;
const GROWTH = 1.2;

/** The rooms that this replica has in memory, kept up to date by what the feed brings. */
export class RoomViews {
  readonly #views: LRUCache<number, RoomView>;
  readonly #weighed = new WeakMap<RoomView, number>();
  readonly #loading = new Map<number, Loading>();
  readonly #loads: RoomLoads;

  constructor(
    model: ReadModel,
    private readonly texts: EventTexts,
    maxRooms: number,
    private readonly maxRecent: number,
  ) {
    const maxSize = maxRooms * USUAL_WEIGHT;
    this.#views = new LRUCache({ maxSize, sizeCalculation: (view) => Math.min(view.weight, maxSize) });
    this.#loads = new RoomLoads(model, maxRecent);
  }

  clear(): void {
    this.#views.clear();
    this.#loading.clear();
    // Redactions may pass unheard from now on.
    this.texts.clear();
  }

  async get(room: RoomRecord): Promise<RoomView> {
    return this.#views.get(room.nid) ?? (this.#loading.get(room.nid) ?? this.#load(room)).view;
  }

  /** A room if it is in memory. */
  peek(roomNid: number): RoomView | undefined {
    return this.#views.peek(roomNid);
  }

  apply(batch: AppendBatch): void {
    this.#applyTexts(batch);
    if (this.#views.size === 0 && this.#loading.size === 0) return;
    for (const { text: _, traceparent: __, ...place } of batch.events) {
      this.#change(place.roomNid, (view) => view.apply(place));
    }
    this.#applyState(batch);
    for (const room of batch.rooms) this.#change(room.nid, (view) => view.applyRoom(room));
    for (const { roomNid } of [...batch.jumps, ...batch.purges]) this.#drop(roomNid);
  }

  /** Of rooms that nobody asks for here, the texts are not kept: whoever does asks for them. */
  #applyTexts({ events, redactions, purges }: AppendBatch): void {
    for (const { roomNid, text } of events) {
      if (text !== undefined && (this.#views.has(roomNid) || this.#loading.has(roomNid))) this.texts.put(text);
    }
    for (const { eventNid } of redactions) this.texts.drop(eventNid);
    for (const { eventNids } of purges) {
      if (eventNids === undefined) this.texts.clear();
      else for (const eventNid of eventNids) this.texts.drop(eventNid);
    }
  }

  #applyState({ stateLog, events }: AppendBatch): void {
    if (stateLog.length === 0) return;
    const places = new Map(events.map(({ text: _, traceparent: __, ...place }) => [place.eventNid, place]));
    for (const { roomNid, type, stateKey, position, eventNid, membership } of stateLog) {
      const place = eventNid === undefined ? undefined : places.get(eventNid);
      this.#change(roomNid, (view) => view.applyState({ type, stateKey, position, eventNid, membership, place }));
    }
  }

  #change(roomNid: number, change: Change): void {
    this.#loading.get(roomNid)?.meanwhile.push(change);
    const view = this.#views.peek(roomNid);
    if (view === undefined) return;
    change(view);
    // It is weighed when it is set, and may have grown much since.
    if (view.weight > GROWTH * (this.#weighed.get(view) ?? 0)) this.#set(roomNid, view);
  }

  #drop(roomNid: number): void {
    this.#views.delete(roomNid);
    this.#loading.delete(roomNid);
  }

  #load(room: RoomRecord): Loading {
    const meanwhile: Change[] = [];
    const loading: Loading = { meanwhile, view: this.#read(room, meanwhile) };
    this.#loading.set(room.nid, loading);
    loading.view.catch(() => this.#settle(room.nid, meanwhile, undefined));
    return loading;
  }

  async #read(room: RoomRecord, meanwhile: Change[]): Promise<RoomView> {
    const view = new RoomView(room, await this.#loads.load(room.nid), this.maxRecent);
    for (const change of meanwhile) change(view);
    // In the same turn as the changes are applied, so that none is missed in between.
    this.#settle(room.nid, meanwhile, view);
    return view;
  }

  #settle(roomNid: number, meanwhile: Change[], view: RoomView | undefined): void {
    if (this.#loading.get(roomNid)?.meanwhile !== meanwhile) return;
    this.#loading.delete(roomNid);
    if (view !== undefined) this.#set(roomNid, view);
  }

  #set(roomNid: number, view: RoomView): void {
    this.#weighed.set(view, view.weight);
    // It is weighed when it is set, if it was not there.
    this.#views.delete(roomNid);
    this.#views.set(roomNid, view);
  }
}
