import { type Fragment, rowsOf, sql } from '@ganglion/database';
import type { AppendBatch, ReceiptRow, TypingRow } from '../domain/append-batch.js';

interface RoomChange {
  receiptPosition: number;
  typing: TypingRow | undefined;
}

const RECEIPT = {
  room_nid: 'bigint',
  user_id: 'text',
  receipt_type: 'text',
  thread_id: 'text',
  event_position: 'bigint',
  position: 'bigint',
} as const;
const ROOM = { room_nid: 'bigint', receipt_position: 'bigint', typing: 'text', typing_position: 'bigint' } as const;

/**
 * What a batch with receipts or typing adds to the statement that appends it. A receipt that has moved on meanwhile waits
 * for its next position.
 */
export const APPEND_EPHEMERAL: Fragment<{ readonly batch: AppendBatch }> = sql`, receipts AS (
    UPDATE sync.receipts r SET position = i.position
    FROM (${rowsOf('r', RECEIPT, ({ batch }: { batch: AppendBatch }) => receiptRows(batch))}) AS i, moved
    WHERE r.room_nid = i.room_nid AND r.user_id = i.user_id AND r.receipt_type = i.receipt_type
      AND r.thread_id = i.thread_id AND r.event_position = i.event_position
  ), ephemeral AS (
    INSERT INTO sync.ephemeral AS known (room_nid, receipt_position, typing, typing_position)
    ${rowsOf('e', ROOM, ({ batch }: { batch: AppendBatch }) => roomRows(batch))}, moved
    ON CONFLICT (room_nid) DO UPDATE SET
      receipt_position = greatest(known.receipt_position, excluded.receipt_position),
      typing = CASE WHEN excluded.typing_position > 0 THEN excluded.typing ELSE known.typing END,
      typing_position = greatest(known.typing_position, excluded.typing_position)
  )`;

export function hasEphemeral({ receipts, typing }: AppendBatch): boolean {
  return receipts.length + typing.length > 0;
}

function receiptRows({ receipts }: AppendBatch) {
  return receipts.map(({ roomNid, userId, type, threadId, eventPosition, position }) => ({
    ...{ room_nid: roomNid, user_id: userId, receipt_type: type, thread_id: threadId },
    ...{ event_position: eventPosition, position },
  }));
}

function roomRows({ receipts, typing }: AppendBatch) {
  return [...changesByRoom(receipts, typing)].map(([roomNid, change]) => ({
    room_nid: roomNid,
    receipt_position: change.receiptPosition,
    typing: JSON.stringify(change.typing?.typing ?? []),
    typing_position: change.typing?.position ?? 0,
  }));
}

function changesByRoom(receipts: readonly ReceiptRow[], typing: readonly TypingRow[]): Map<number, RoomChange> {
  const rooms = new Map<number, RoomChange>();
  const changeOf = (roomNid: number) => {
    const change = rooms.get(roomNid) ?? { receiptPosition: 0, typing: undefined };
    rooms.set(roomNid, change);
    return change;
  };
  for (const { roomNid, type, position } of receipts) {
    if (type !== 'm.read.private') changeOf(roomNid).receiptPosition = position;
  }
  for (const row of typing) changeOf(row.roomNid).typing = row;
  return rooms;
}
