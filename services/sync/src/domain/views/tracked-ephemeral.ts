import type { TypingRow, TypingUser } from '../append-batch.js';
import type { RoomEphemeral } from '../ports/read-model.js';

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
