import type { ReceiptRow } from '../append-batch.js';

/** A receipt that the appender has not placed yet. */
export type UnplacedReceipt = Omit<ReceiptRow, 'position'>;

/** What users have read. */
export interface ReceiptModel {
  /** Stores a receipt, to be placed by the appender; false when the user has read further already. */
  putReceipt(receipt: UnplacedReceipt): Promise<boolean>;
  /** All receipts of rooms that a user may see, up to a position. Those that were not placed yet count too. */
  receiptsOf(roomNids: readonly number[], userId: string, upTo: number): Promise<ReceiptRow[]>;
  /** Those receipts of rooms that changed above one position and up to another. */
  receiptsBetween(roomNids: readonly number[], userId: string, above: number, upTo: number): Promise<ReceiptRow[]>;
  /** The receipts of one user; at position 0 those that were not placed yet. */
  ownReceipts(userId: string): Promise<ReceiptRow[]>;
  /** Receipts that wait for their position. */
  unplaced(limit: number): Promise<UnplacedReceipt[]>;
}
