import type { DeviceMessageModel } from '../ports/device-message-model.js';
import type { MembershipRecord, ReadModel, RoomRecord } from '../ports/read-model.js';
import type { ReceiptModel } from '../ports/receipt-model.js';
import { newMembership, type TrackedMembership, type TrackedRoom, UserView } from './user-view.js';

/** Where users are read from. */
export interface UserModels {
  readonly model: ReadModel;
  readonly receipts: Pick<ReceiptModel, 'ownReceipts'>;
  readonly deviceMessages: Pick<DeviceMessageModel, 'inboxes'>;
}

/**
 * Reads what there is of a user. What is answered makes a view of it, together with what the feed has brought since a
 * position.
 */
export async function loadUser(
  userId: string,
  seenFrom: number,
  { model, receipts: receiptModel, deviceMessages }: UserModels,
) {
  const [records, receipts, accountData, inboxes] = await Promise.all([
    model.memberships(userId),
    receiptModel.ownReceipts(userId),
    model.accountData(userId, 0, Number.MAX_SAFE_INTEGER),
    deviceMessages.inboxes(userId),
  ]);
  return (track: (record: RoomRecord) => TrackedRoom): UserView => {
    const user = new UserView(userId, seenFrom);
    const memberships = new Map(records.map((record) => [record.roomId, membershipOf(record, track(record))]));
    const byNid = new Map([...memberships.values()].map((membership) => [membership.room.record.nid, membership]));
    for (const receipt of receipts) {
      const membership = byNid.get(receipt.roomNid);
      membership?.marks.apply(receipt);
      changes(membership, receipt.position);
    }
    for (const row of accountData) {
      user.applyAccountData(row);
      changes(memberships.get(row.roomId), row.position);
    }
    const inOrder = [...memberships.values()].sort((one, other) => one.changedAt - other.changedAt);
    for (const membership of inOrder) user.add(membership);
    for (const { deviceId, first, last } of inboxes) user.inboxes.add(deviceId, first, last);
    return user;
  };
}

function membershipOf(record: MembershipRecord, room: TrackedRoom): TrackedMembership {
  const known = newMembership(room, { ...record, position: record.membershipPosition });
  if (record.membership === 'join') changes(known, room.position);
  return known;
}

function changes(membership: TrackedMembership | undefined, position: number): void {
  if (membership !== undefined) membership.changedAt = Math.max(membership.changedAt, position);
}
