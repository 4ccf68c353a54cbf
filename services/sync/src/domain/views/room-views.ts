import { LRUCache } from 'lru-cache';
import type { AppendBatch } from '../append-batch.js';
import type { ReadModel, RoomRecord } from '../ports/read-model.js';
import { RoomView } from './room-view.js';

type Change = (view: RoomView) => void;

interface Loading {
  readonly view: Promise<RoomView>;
  /** What the feed brought since the load began. */
  readonly meanwhile: Change[];
}

/** Entries of state and events that a usual room has in memory; each is about half a kilobyte. */
const USUAL_WEIGHT = 50;

/** The rooms that this replica has in memory, kept up to date by what the feed brings. */
export class RoomViews {
  readonly #views: LRUCache<number, RoomView>;
  readonly #loading = new Map<number, Loading>();

  constructor(
    private readonly model: ReadModel,
    maxRooms: number,
    private readonly maxRecent: number,
  ) {
    const maxSize = maxRooms * USUAL_WEIGHT;
    this.#views = new LRUCache({ maxSize, sizeCalculation: (view) => Math.min(view.weight, maxSize) });
  }

  clear(): void {
    this.#views.clear();
    this.#loading.clear();
  }

  async get(room: RoomRecord): Promise<RoomView> {
    return this.#views.get(room.nid) ?? (this.#loading.get(room.nid) ?? this.#load(room)).view;
  }

  apply(batch: AppendBatch): void {
    if (this.#views.size === 0 && this.#loading.size === 0) return;
    for (const event of batch.events) this.#change(event.roomNid, (view) => view.apply(event));
    this.#applyState(batch);
    if (batch.redactions.length > 0) this.#redact(batch);
  }

  #applyState({ stateLog, events }: AppendBatch): void {
    const byPosition = new Map(events.map((event) => [event.position, event]));
    for (const { roomNid, type, stateKey, position, eventPosition } of stateLog) {
      const event = eventPosition === undefined ? undefined : byPosition.get(eventPosition);
      const known = eventPosition === undefined || event !== undefined;
      if (known) this.#change(roomNid, (view) => view.applyState({ type, stateKey, position, event }));
      // The state went back to an event that this batch does not bring: load the room anew.
      else this.#drop(roomNid);
    }
  }

  #redact({ events, redactions }: AppendBatch): void {
    const rooms = new Set(events.filter(({ type }) => type === 'm.room.redaction').map(({ roomNid }) => roomNid));
    for (const roomNid of rooms) {
      this.#change(roomNid, (view) => {
        for (const redaction of redactions) view.redact(redaction);
      });
    }
  }

  #change(roomNid: number, change: Change): void {
    this.#loading.get(roomNid)?.meanwhile.push(change);
    const view = this.#views.peek(roomNid);
    if (view !== undefined) change(view);
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
    const page = { roomNid: room.nid, above: 0, upTo: Number.MAX_SAFE_INTEGER } as const;
    const latest = await this.model.events({ ...page, direction: 'backwards', limit: this.maxRecent });
    const windowStart = latest.length < this.maxRecent ? 0 : (latest.at(-1)?.position ?? 1) - 1;
    const versions = await this.model.stateVersions(room.nid, windowStart);
    const view = new RoomView(room, latest.reverse(), versions, windowStart, this.maxRecent);
    for (const change of meanwhile) change(view);
    // In the same turn as the changes are applied, so that none is missed in between.
    this.#settle(room.nid, meanwhile, view);
    return view;
  }

  #settle(roomNid: number, meanwhile: Change[], view: RoomView | undefined): void {
    if (this.#loading.get(roomNid)?.meanwhile !== meanwhile) return;
    this.#loading.delete(roomNid);
    if (view !== undefined) this.#views.set(roomNid, view);
  }
}
