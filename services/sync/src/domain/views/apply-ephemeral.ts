import type { AppendBatch } from '../append-batch.js';
import type { TrackedRoom, UserView } from './user-view.js';

/** Where the users and rooms of a replica are found. */
export interface Tracked {
  user(userId: string): UserView | undefined;
  room(roomNid: number): TrackedRoom | undefined;
}

/** Takes over receipts and typing, and adds whom they concern. A private receipt concerns its user alone. */
export function applyEphemeral({ receipts, typing }: AppendBatch, tracked: Tracked, concerned: Set<UserView>): void {
  for (const receipt of receipts) {
    const user = tracked.user(receipt.userId);
    user?.applyReceipt(receipt);
    if (user !== undefined) concerned.add(user);
    const room = receipt.type === 'm.read.private' ? undefined : tracked.room(receipt.roomNid);
    if (room === undefined) continue;
    room.ephemeral.sawReceipt(receipt.position);
    touchMembers(room, receipt.position, concerned);
  }
  for (const row of typing) {
    const room = tracked.room(row.roomNid);
    if (room === undefined) continue;
    room.ephemeral.sawTyping(row);
    touchMembers(room, row.position, concerned);
  }
}

/** What happens in a room concerns those who are in it. */
export function touchMembers(room: TrackedRoom, position: number, concerned: Set<UserView>): void {
  for (const [user, membership] of room.users) {
    if (membership.membership !== 'join') continue;
    user.touch(membership, position);
    concerned.add(user);
  }
}
