import { LRUCache } from 'lru-cache';
import type { AppendBatch, MembershipRow } from '../append-batch.js';
import type { ReadModel, RoomRecord } from '../ports/read-model.js';
import type { ReceiptModel } from '../ports/receipt-model.js';
import { applyEphemeral } from './apply-ephemeral.js';
import { ReceiptLog } from './receipt-log.js';
import { TrackedEphemeral } from './tracked-ephemeral.js';
import { type TrackedRoom, UserView } from './user-view.js';

interface Loading {
  readonly view: Promise<UserView>;
  readonly meanwhile: AppendBatch[];
}

type Membership = Pick<MembershipRow, 'membership' | 'position' | 'since' | 'eventNid' | 'strippedState'>;

const MAX_USERS = 20_000;

/** The users who sync at this replica, and the rooms that concern them. */
export class UserViews {
  readonly #users = new LRUCache<string, UserView>({
    maxSize: MAX_USERS,
    sizeCalculation: () => 1,
    dispose: (user) => this.#untrack(user),
  });
  readonly #loading = new Map<string, Loading>();
  readonly #rooms = new Map<number, TrackedRoom>();
  readonly receipts = new ReceiptLog();

  constructor(
    private readonly model: ReadModel,
    private readonly receiptModel: ReceiptModel,
  ) {}

  clear(): void {
    this.#users.clear();
    this.#loading.clear();
    this.#rooms.clear();
    this.receipts.clear();
  }

  async get(userId: string): Promise<UserView> {
    return this.#users.get(userId) ?? (this.#loading.get(userId) ?? this.#load(userId)).view;
  }

  /** Whether this is how the user is seen now: a view that was forgotten hears of nothing any more. */
  has(user: UserView): boolean {
    return this.#users.peek(user.userId) === user;
  }

  /** Takes over what was appended; whom it concerns is woken once, when all of it is in. */
  apply(batch: AppendBatch): void {
    this.receipts.apply(batch);
    for (const { meanwhile } of this.#loading.values()) meanwhile.push(batch);
    const concerned = new Set<UserView>();
    for (const { roomNid, position } of batch.events) {
      const room = this.#rooms.get(roomNid);
      if (room === undefined) continue;
      room.position = Math.max(room.position, position);
      for (const user of room.users) concerned.add(user);
    }
    const user = (userId: string) => this.#users.peek(userId);
    this.#applyTo(user, batch, concerned);
    applyEphemeral(batch, { user, room: (roomNid) => this.#rooms.get(roomNid) }, concerned);
    for (const user of concerned) user.wake();
  }

  wakeAll(): void {
    for (const user of this.#users.values()) user.wake();
  }

  #applyTo(find: (userId: string) => UserView | undefined, batch: AppendBatch, concerned: Set<UserView>): void {
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
      concerned.add(user);
    }
  }

  #setMembership(user: UserView, record: RoomRecord, row: Membership): void {
    const { membership, position, since, eventNid, strippedState } = row;
    const known = user.rooms.get(record.nid);
    if (known !== undefined) {
      if (position <= known.position) return;
      const goesOn = known.membership === membership ? known.since : position;
      Object.assign(known, { membership, position, since: since ?? goesOn, eventNid, strippedState });
      return;
    }
    const room = this.#rooms.get(record.nid) ?? newRoom(record);
    this.#rooms.set(record.nid, room);
    room.position = Math.max(room.position, position);
    room.users.add(user);
    const marks = user.readMarks(record.nid);
    user.rooms.set(record.nid, {
      ...{ room, membership, position, since: since ?? position, eventNid, strippedState, marks },
    });
  }

  #untrack(user: UserView): void {
    user.wake();
    for (const [roomNid, { room }] of user.rooms) {
      room.users.delete(user);
      if (room.users.size === 0) this.#rooms.delete(roomNid);
    }
  }

  #load(userId: string): Loading {
    const meanwhile: AppendBatch[] = [];
    const loading: Loading = { meanwhile, view: this.#read(userId, meanwhile) };
    this.#loading.set(userId, loading);
    loading.view.catch(() => this.#settle(userId, meanwhile, undefined));
    return loading;
  }

  async #read(userId: string, meanwhile: AppendBatch[]): Promise<UserView> {
    const [memberships, receipts, accountData] = await Promise.all([
      this.model.memberships(userId),
      this.receiptModel.ownReceipts(userId),
      this.model.accountData(userId, 0, Number.MAX_SAFE_INTEGER),
    ]);
    const user = new UserView(userId);
    for (const receipt of receipts) user.readMarks(receipt.roomNid).apply(receipt);
    for (const record of memberships) {
      this.#setMembership(user, record, { ...record, position: record.membershipPosition });
      user.rooms.get(record.nid)?.room.ephemeral.merge(record.ephemeral);
    }
    for (const row of accountData) user.applyAccountData(row);
    for (const batch of meanwhile) this.#applyMeanwhile(user, batch);
    // In the same turn as the batches are applied, so that none is missed in between.
    this.#settle(userId, meanwhile, user);
    return user;
  }

  #applyMeanwhile(user: UserView, batch: AppendBatch): void {
    const find = (userId: string) => (userId === user.userId ? user : undefined);
    this.#applyTo(find, batch, new Set());
    applyEphemeral(batch, { user: find, room: (roomNid) => user.rooms.get(roomNid)?.room }, new Set());
    for (const { roomNid, position } of batch.events) {
      const room = user.rooms.get(roomNid)?.room;
      if (room !== undefined) room.position = Math.max(room.position, position);
    }
  }

  #settle(userId: string, meanwhile: AppendBatch[], user: UserView | undefined): void {
    if (this.#loading.get(userId)?.meanwhile !== meanwhile) return;
    this.#loading.delete(userId);
    if (user !== undefined) this.#users.set(userId, user);
  }
}

function newRoom(record: RoomRecord): TrackedRoom {
  return { record, position: record.position, ephemeral: new TrackedEphemeral(), users: new Set() };
}

function roomRecord({ rooms, previousPosition }: AppendBatch, roomNid: number): RoomRecord | undefined {
  const room = rooms.find(({ nid }) => nid === roomNid);
  return room && { nid: room.nid, roomId: room.roomId, roomVersion: room.roomVersion, position: previousPosition };
}
