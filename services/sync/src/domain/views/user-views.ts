import { LRUCache } from 'lru-cache';
import type { AppendBatch } from '../append-batch.js';
import { loadUser, type UserModels } from './load-user.js';
import { ReceiptLog } from './receipt-log.js';
import { TrackedRooms } from './tracked-rooms.js';
import { applyBatch, type Concerned, touchRooms } from './user-changes.js';
import type { RoomMembership, UserView } from './user-view.js';

type Change = (concerned: Concerned) => void;

interface Loading {
  readonly view: Promise<UserView>;
  /** What the feed brought since the load began. */
  readonly meanwhile: Change[];
}

/** Rooms of users, of all who are in memory; each is about a quarter of a kilobyte. */
const MAX_MEMBERSHIPS = 400_000;
/** What a user weighs who is in no room. */
const USER_WEIGHT = 10;

/** The users who sync at this replica, and the rooms that concern them. */
export class UserViews {
  /** Each in an envelope of its own: the cache weighs a user anew when they come in a new one. */
  readonly #users = new LRUCache<string, { readonly user: UserView; readonly weight: number }>({
    maxSize: MAX_MEMBERSHIPS,
    sizeCalculation: ({ weight }) => weight,
    dispose: ({ user }) => this.#forget(user),
    noDisposeOnSet: true,
  });
  readonly #loading = new Map<string, Loading>();
  readonly #rooms = new TrackedRooms();
  readonly receipts = new ReceiptLog();
  /** Up to where the feed has come. */
  #position = 0;

  constructor(private readonly models: UserModels) {}

  /** Forgets everybody, and takes over what the feed brings above a position. */
  begin(position = 0): void {
    this.#users.clear();
    this.#loading.clear();
    this.receipts.begin(position);
    this.#position = position;
  }

  async get(userId: string): Promise<UserView> {
    for (;;) {
      const user = this.#users.get(userId)?.user ?? (await (this.#loading.get(userId) ?? this.#load(userId)).view);
      if (this.has(user)) return user;
    }
  }

  /** Whether this is how the user is seen now: a view that was forgotten hears of nothing any more. */
  has(user: UserView): boolean {
    return this.#users.peek(user.userId)?.user === user;
  }

  /** What a user is in a room, when they have to do with it. */
  membershipIn(user: UserView, roomId: string): RoomMembership | undefined {
    return user.rooms.get(this.#rooms.nidOf(roomId) ?? 0);
  }

  /** Takes over what was appended. */
  apply(batch: AppendBatch): void {
    this.#position = batch.position;
    this.receipts.apply(batch);
    this.#change((concerned) => applyBatch(batch, concerned));
  }

  /** Something has changed in rooms that is kept elsewhere. */
  touch(rows: readonly { readonly roomNid: number; readonly position: number }[]): void {
    if (rows.length > 0) this.#change((concerned) => touchRooms(rows, concerned));
  }

  /** Whom it concerns is woken once, when all of it is in. */
  #change(change: Change): void {
    for (const { meanwhile } of this.#loading.values()) meanwhile.push(change);
    const rooms = this.#rooms;
    const users = new Set<UserView>();
    const user = (userId: string) => this.#users.peek(userId)?.user;
    change({ rooms, users, user, room: (roomNid) => rooms.get(roomNid) });
    for (const woken of users) {
      const known = this.#users.peek(woken.userId);
      if (known?.user === woken && known.weight !== weightOf(woken)) this.#put(woken);
      woken.wake();
    }
  }

  #put(user: UserView): void {
    this.#users.set(user.userId, { user, weight: weightOf(user) });
  }

  #forget(user: UserView): void {
    user.wake();
    this.#rooms.leave(user);
  }

  #load(userId: string): Loading {
    const meanwhile: Change[] = [];
    const loading = { meanwhile, view: this.#read(userId, meanwhile) };
    this.#loading.set(userId, loading);
    loading.view.catch(() => this.#isCurrent(userId, meanwhile) && this.#loading.delete(userId));
    return loading;
  }

  async #read(userId: string, meanwhile: Change[]): Promise<UserView> {
    const fill = await loadUser(userId, this.#position, this.models);
    // Everything from here on in one turn, so that no change is missed in between.
    if (!this.#isCurrent(userId, meanwhile)) return this.get(userId);
    const rooms = this.#rooms;
    const user = fill((record) => rooms.track(record));
    const concerned = {
      ...{ rooms, users: new Set<UserView>(), user: (id: string) => (id === userId ? user : undefined) },
      room: (roomNid: number) => user.rooms.get(roomNid)?.room,
    };
    for (const change of meanwhile) change(concerned);
    this.#loading.delete(userId);
    this.#put(user);
    return user;
  }

  #isCurrent(userId: string, meanwhile: Change[]): boolean {
    return this.#loading.get(userId)?.meanwhile === meanwhile;
  }
}

function weightOf({ rooms }: UserView): number {
  return Math.min(USER_WEIGHT + rooms.size, MAX_MEMBERSHIPS);
}
