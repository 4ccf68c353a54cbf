import type {
  AccountDataRow,
  AppendBatch,
  DeviceMessageRow,
  KeyChangeRow,
  MembershipRow,
  ReceiptRow,
} from '../append-batch.js';
import type { RoomRecord } from '../ports/read-model.js';
import type { PresenceRow } from '../presence/presence.js';
import type { TrackedRooms } from './tracked-rooms.js';
import { newMembership, type TrackedRoom, type UserView } from './user-view.js';

/** The users and rooms that a change is to be applied to. */
export interface Concerned {
  readonly rooms: TrackedRooms;
  user(userId: string): UserView | undefined;
  room(roomNid: number): TrackedRoom | undefined;
  /** Those for whom something has happened are put here. */
  readonly users: Set<UserView>;
}

/** Tells users of what was appended. */
export function applyBatch(batch: AppendBatch, concerned: Concerned): void {
  // First who comes and goes: what happens in a room concerns those who are in it then.
  for (const row of batch.memberships) applyMembership(batch, row, concerned);
  for (const { nid, membersPosition } of batch.rooms) {
    const room = concerned.room(nid);
    if (room !== undefined) room.membersPosition = Math.max(room.membersPosition, membersPosition);
  }
  for (const row of batch.accountData) applyAccountData(row, concerned);
  // All who are in a room are touched once, however much has happened in it: in a large one, that is what it costs.
  const touched = new Map<TrackedRoom, number>();
  const touch = (room: TrackedRoom, position: number) => touched.set(room, Math.max(touched.get(room) ?? 0, position));
  for (const { roomNid, position } of batch.events) {
    const room = concerned.room(roomNid);
    if (room === undefined) continue;
    room.position = Math.max(room.position, position);
    touch(room, position);
  }
  for (const receipt of batch.receipts) applyReceipt(receipt, concerned, touch);
  for (const [room, position] of touched) room.touch(position, concerned.users);
  for (const change of batch.keyChanges) applyKeyChange(change, concerned);
  for (const row of batch.presence) applyPresence(row, concerned);
  for (const message of batch.deviceMessages) applyDeviceMessage(message, concerned);
}

/** Tells users of what has changed in rooms that is kept elsewhere. */
export function touchRooms(rows: Iterable<{ roomNid: number; position: number }>, concerned: Concerned): void {
  for (const { roomNid, position } of rows) concerned.room(roomNid)?.touch(position, concerned.users);
}

function applyMembership(batch: AppendBatch, row: MembershipRow, { rooms, user: find, users }: Concerned): void {
  const user = find(row.userId);
  if (user === undefined) return;
  users.add(user);
  const record = rooms.get(row.roomNid)?.record ?? roomRecord(batch, row.roomNid);
  if (record === undefined) return;
  const { membership, position, eventNid, strippedState } = row;
  const known = user.rooms.get(row.roomNid);
  const goesOn = known?.membership === membership ? known.since : position;
  const changed = { membership, position, since: row.since ?? goesOn, eventNid, strippedState };
  if (known === undefined) user.add(newMembership(rooms.track(record), changed));
  if (known === undefined || position <= known.position) return;
  Object.assign(known, changed);
  user.touch(known, position);
}

function applyAccountData(row: AccountDataRow, { rooms, user: find, users }: Concerned): void {
  const user = find(row.userId);
  if (user === undefined || row.position <= user.accountDataPosition) return;
  user.applyAccountData(row);
  users.add(user);
  const membership = user.rooms.get(rooms.nidOf(row.roomId) ?? 0);
  if (membership !== undefined) user.touch(membership, row.position);
}

/** A private receipt concerns its user alone. */
function applyReceipt(
  receipt: ReceiptRow,
  { user: find, room, users }: Concerned,
  touch: (room: TrackedRoom, position: number) => void,
): void {
  const user = find(receipt.userId);
  user?.applyReceipt(receipt);
  if (user !== undefined) users.add(user);
  const tracked = room(receipt.roomNid);
  if (tracked === undefined) return;
  tracked.mayHaveReceipts = true;
  if (receipt.type !== 'm.read.private') touch(tracked, receipt.position);
}

function applyDeviceMessage({ userId, deviceId, position }: DeviceMessageRow, { user: find, users }: Concerned): void {
  const user = find(userId);
  if (user === undefined) return;
  user.inboxes.add(deviceId, position);
  users.add(user);
}

function applyKeyChange(change: KeyChangeRow, { user: find, room, users }: Concerned): void {
  const { userId, position, listChanged, roomNids } = change;
  const note = (user: UserView | undefined) => {
    if (user === undefined) return;
    user.keysPosition = Math.max(user.keysPosition, position);
    users.add(user);
  };
  note(find(userId));
  if (!listChanged) return;
  for (const roomNid of roomNids) {
    for (const [user, { membership }] of room(roomNid)?.users ?? []) if (membership === 'join') note(user);
  }
}

/** Work for those alone who sync at this replica and share a room with the user. */
function applyPresence({ userId, position, roomNids }: PresenceRow, { user: find, room, users }: Concerned): void {
  const own = find(userId);
  if (own !== undefined) own.ownPresencePosition = position;
  for (const roomNid of roomNids) {
    for (const [user, { membership }] of room(roomNid)?.users ?? []) {
      if (user === own || membership !== 'join') continue;
      user.presencePosition = Math.max(user.presencePosition, position);
      users.add(user);
    }
  }
}

function roomRecord({ rooms, previousPosition }: AppendBatch, roomNid: number): RoomRecord | undefined {
  const room = rooms.find(({ nid }) => nid === roomNid);
  return room && { nid: room.nid, roomId: room.roomId, roomVersion: room.roomVersion, position: previousPosition };
}
