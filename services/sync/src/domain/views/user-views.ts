import { LRUCache } from 'lru-cache';
import type { AppendBatch, MembershipRow } from '../append-batch.js';
import type { ReadModel, RoomRecord } from '../ports/read-model.js';
import type { ReceiptModel } from '../ports/receipt-model.js';
import { applyEphemeral, type Tracked, touchMembers } from './apply-ephemeral.js';
import { loadUser } from './load-user.js';
import { ReceiptLog } from './receipt-log.js';
import { newMembership, type RoomMembership, type TrackedMembership, TrackedRoom, type UserView } from './user-view.js';

interface Loading {
  readonly view: Promise<UserView>;
  readonly meanwhile: AppendBatch[];
}

/** Rooms of users, of all who are in memory; each is about a quarter of a kilobyte. */
const MAX_MEMBERSHIPS = 400_000;
/** What a user weighs who is in no room. */
const USER_WEIGHT = 10;

/** The users who sync at this replica, and the rooms that concern them. */
export class UserViews {
  /** Each in an envelope of its own: the cache weighs a user anew when they come in a new one. */
  readonly #users = new LRUCache<string, { readonly user: UserView }>({
    maxSize: MAX_MEMBERSHIPS,
    sizeCalculation: ({ user }) => Math.min(USER_WEIGHT + user.rooms.size, MAX_MEMBERSHIPS),
    dispose: ({ user }) => this.#untrack(user),
    noDisposeOnSet: true,
  });
  readonly #loading = new Map<string, Loading>();
  readonly #rooms = new Map<number, TrackedRoom>();
  readonly #nids = new Map<string, number>();
  readonly receipts = new ReceiptLog();
  /** Up to where the feed has come. */
  #position = 0;

  constructor(
    private readonly model: ReadModel,
    private readonly receiptModel: ReceiptModel,
  ) {}

  /** Forgets everybody, and takes over what the feed brings above a position. */
  begin(position: number): void {
    this.#users.clear();
    this.#loading.clear();
    this.receipts.clear();
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
    return this.#membershipIn(user, roomId);
  }

  /** Takes over what was appended; whom it concerns is woken once, when all of it is in. */
  apply(batch: AppendBatch): void {
    this.#position = batch.position;
    this.receipts.apply(batch);
    for (const { meanwhile } of this.#loading.values()) meanwhile.push(batch);
    const concerned = new Set<UserView>();
    const tracked = {
      user: (userId: string) => this.#users.peek(userId)?.user,
      room: (nid: number) => this.#rooms.get(nid),
    };
    this.#takeOver(batch, tracked, concerned);
    for (const user of concerned) user.wake();
  }

  #takeOver(batch: AppendBatch, tracked: Tracked, concerned: Set<UserView>): void {
    // First who comes and goes: what happens in a room concerns those who are in it then.
    this.#applyOwn(batch, tracked, concerned);
    for (const { roomNid, position } of batch.events) {
      const room = tracked.room(roomNid);
      if (room === undefined) continue;
      room.position = Math.max(room.position, position);
      touchMembers(room, position, concerned);
    }
    applyEphemeral(batch, tracked, concerned);
  }

  #applyOwn(batch: AppendBatch, { user: find }: Tracked, concerned: Set<UserView>): void {
    for (const row of batch.memberships) {
      const user = find(row.userId);
      if (user === undefined) continue;
      const record = this.#rooms.get(row.roomNid)?.record ?? roomRecord(batch, row.roomNid);
      if (record !== undefined) this.#setMembership(user, record, row);
      concerned.add(user);
    }
    for (const row of batch.accountData) {
      const user = find(row.userId);
      if (user === undefined || row.position <= user.accountDataPosition) continue;
      user.applyAccountData(row);
      const membership = this.#membershipIn(user, row.roomId);
      if (membership !== undefined) user.touch(membership, row.position);
      concerned.add(user);
    }
  }

  #membershipIn(user: UserView, roomId: string): TrackedMembership | undefined {
    const nid = this.#nids.get(roomId);
    return nid === undefined ? undefined : user.rooms.get(nid);
  }

  #setMembership(user: UserView, record: RoomRecord, row: MembershipRow): void {
    const { membership, position, eventNid, strippedState } = row;
    const known = user.rooms.get(record.nid);
    const goesOn = known?.membership === membership ? known.since : position;
    const changed = { membership, position, since: row.since ?? goesOn, eventNid, strippedState };
    if (known === undefined) {
      user.add(newMembership(this.#track(record), changed));
      if (this.has(user)) this.#users.set(user.userId, { user });
    } else if (position > known.position) {
      Object.assign(known, changed);
      user.touch(known, position);
    }
  }

  #track(record: RoomRecord): TrackedRoom {
    const known = this.#rooms.get(record.nid);
    if (known !== undefined) return known;
    const room = new TrackedRoom(record);
    this.#rooms.set(record.nid, room);
    this.#nids.set(record.roomId, record.nid);
    return room;
  }

  #untrack(user: UserView): void {
    user.wake();
    for (const { room } of user.rooms.values()) {
      room.users.delete(user);
      if (room.users.size > 0) continue;
      this.#rooms.delete(room.record.nid);
      this.#nids.delete(room.record.roomId);
    }
  }

  #load(userId: string): Loading {
    const meanwhile: AppendBatch[] = [];
    const loading = { meanwhile, view: this.#read(userId, meanwhile) };
    this.#loading.set(userId, loading);
    loading.view.catch(() => this.#isCurrent(userId, meanwhile) && this.#loading.delete(userId));
    return loading;
  }

  async #read(userId: string, meanwhile: AppendBatch[]): Promise<UserView> {
    const fill = await loadUser(userId, this.#position, this.model, this.receiptModel);
    // Everything from here on in one turn, so that no batch is missed in between.
    if (!this.#isCurrent(userId, meanwhile)) return this.get(userId);
    const user = fill((record) => this.#track(record));
    const tracked = {
      user: (id: string) => (id === userId ? user : undefined),
      room: (nid: number) => user.rooms.get(nid)?.room,
    };
    for (const batch of meanwhile) this.#takeOver(batch, tracked, new Set());
    this.#loading.delete(userId);
    this.#users.set(userId, { user });
    return user;
  }

  #isCurrent(userId: string, meanwhile: AppendBatch[]): boolean {
    return this.#loading.get(userId)?.meanwhile === meanwhile;
  }
}

function roomRecord({ rooms, previousPosition }: AppendBatch, roomNid: number): RoomRecord | undefined {
  const room = rooms.find(({ nid }) => nid === roomNid);
  return room && { nid: room.nid, roomId: room.roomId, roomVersion: room.roomVersion, position: previousPosition };
}
