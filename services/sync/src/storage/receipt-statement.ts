import { type Fragment, rowsOf, sql } from '@ganglion/database';
import type { AppendBatch } from '../domain/append-batch.js';

const RECEIPT = {
  room_nid: 'bigint',
  user_id: 'text',
  receipt_type: 'text',
  thread_id: 'text',
  event_id: 'text',
  event_position: 'bigint',
  ts: 'bigint',
  position: 'bigint',
} as const;

/**
 * What a batch with receipts adds to the statement that appends it. A receipt only ever moves forward: one that is behind
 * what was read before changes nothing, and its position is not among `receipts`.
 */
export const APPEND_RECEIPTS: Fragment<{ readonly batch: AppendBatch }> = sql`, receipts AS (
    INSERT INTO sync.receipts AS known
      (room_nid, user_id, receipt_type, thread_id, event_id, event_position, ts, position)
    ${rowsOf('r', RECEIPT, ({ batch }: { batch: AppendBatch }) => receiptRows(batch))}, moved
    ON CONFLICT (room_nid, user_id, receipt_type, thread_id) DO UPDATE SET event_id = excluded.event_id,
      event_position = excluded.event_position, ts = excluded.ts, position = excluded.position
    WHERE excluded.event_position > known.event_position
    RETURNING position
  )`;

function receiptRows({ receipts }: AppendBatch) {
  return receipts.map(({ roomNid, userId, type, threadId, eventId, eventPosition, ts, position }) => ({
    ...{ room_nid: roomNid, user_id: userId, receipt_type: type, thread_id: threadId },
    ...{ event_id: eventId, event_position: eventPosition, ts, position },
  }));
}
