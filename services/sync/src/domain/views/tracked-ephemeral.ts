import type { AppendBatch, TypingRow, TypingUser } from '../append-batch.js';
import type { RoomEphemeral } from '../ports.js';
import type { TrackedRoom, UserView } from './user-view.js';

/** What does not last of a room that some user in memory has to do with, as of the last batch. */
export class TrackedEphemeral implements RoomEphemeral {
  receiptPosition = 0;
  typing: readonly TypingUser[] = [];
  typingPosition = 0;

  /** Of the last change that everybody in the room may see. */
  get position(): number {
    return Math.max(this.receiptPosition, this.typingPosition);
  }

  /** Takes over what the database knows, where it is newer. */
  merge({ receiptPosition, typing, typingPosition: position }: RoomEphemeral): void {
    this.sawReceipt(receiptPosition);
    this.sawTyping({ typing, position });
  }

  sawReceipt(position: number): void {
    this.receiptPosition = Math.max(this.receiptPosition, position);
  }

  sawTyping({ typing, position }: Omit<TypingRow, 'roomNid'>): void {
    if (position <= this.typingPosition) return;
    this.typing = typing;
    this.typingPosition = position;
  }
}

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
