import type { ReceiptRow } from '../append-batch.js';

type Content = Record<string, Record<string, Record<string, { readonly ts: number; readonly thread_id?: string }>>>;

/**
 * One `m.receipt` event for receipts of one room, as JSON text. Where a user has read up to one event both in a thread and
 * as a whole, the event has place for one of them: the receipt for all of the room says more.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#mreceipt
 */
export function receiptEventText(receipts: readonly ReceiptRow[]): string {
  const content: Content = Object.create(null);
  for (const { eventId, type, userId, ts, threadId } of receipts) {
    content[eventId] ??= Object.create(null) as Content[string];
    content[eventId][type] ??= Object.create(null) as Content[string][string];
    const ofType = content[eventId][type];
    const known = ofType[userId];
    if (known !== undefined && known.thread_id === undefined) continue;
    ofType[userId] = { ts, ...(threadId !== '' && { thread_id: threadId }) };
  }
  return `{"type":"m.receipt","content":${JSON.stringify(content)}}`;
}
