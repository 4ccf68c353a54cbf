import type { AppendBatch } from '../append-batch.js';
import type { TrackedRoom, UserView } from './user-view.js';

/** Where the users and rooms of a replica are found. */
interface Tracked {
  user(userId: string): UserView | undefined;
  room(roomNid: number): TrackedRoom | undefined;
}

/** Takes over receipts and typing, and adds whom they concern. A private receipt concerns its user alone. */
export function applyEphemeral({ receipts, typing }: AppendBatch, tracked: Tracked, concerned: Set<UserView>): void {
  for (const receipt of receipts) {
    const user = tracked.user(receipt.userId);
    user?.readMarks(receipt.roomNid).apply(receipt);
    if (user !== undefined) concerned.add(user);
    const room = receipt.type === 'm.read.private' ? undefined : tracked.room(receipt.roomNid);
    room?.ephemeral.sawReceipt(receipt.position);
    for (const reader of room?.users ?? []) concerned.add(reader);
  }
  for (const row of typing) {
    const room = tracked.room(row.roomNid);
    room?.ephemeral.sawTyping(row);
    for (const reader of room?.users ?? []) concerned.add(reader);
  }
}
