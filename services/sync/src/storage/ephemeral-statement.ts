import type { AppendBatch, ReceiptRow, TypingRow } from '../domain/append-batch.js';

/** The first parameter that the statement for events has not taken. */
const FIRST = 43;

/**
 * What a batch with receipts or typing adds to the statement that appends it. A receipt that has moved on meanwhile waits
 * for its next position.
 */
export const APPEND_EPHEMERAL = `, receipts AS (
    UPDATE sync.receipts r SET position = i.position
    FROM unnest($${FIRST}::bigint[], $${FIRST + 1}::text[], $${FIRST + 2}::text[], $${FIRST + 3}::text[],
      $${FIRST + 4}::bigint[], $${FIRST + 5}::bigint[])
      AS i(room_nid, user_id, receipt_type, thread_id, event_position, position), moved
    WHERE r.room_nid = i.room_nid AND r.user_id = i.user_id AND r.receipt_type = i.receipt_type
      AND r.thread_id = i.thread_id AND r.event_position = i.event_position
  ), ephemeral AS (
    INSERT INTO sync.ephemeral AS known (room_nid, receipt_position, typing, typing_position)
    SELECT i.* FROM unnest($${FIRST + 6}::bigint[], $${FIRST + 7}::bigint[], $${FIRST + 8}::text[], $${FIRST + 9}::bigint[])
      AS i(room_nid, receipt_position, typing, typing_position), moved
    ON CONFLICT (room_nid) DO UPDATE SET
      receipt_position = greatest(known.receipt_position, excluded.receipt_position),
      typing = CASE WHEN excluded.typing_position > 0 THEN excluded.typing ELSE known.typing END,
      typing_position = greatest(known.typing_position, excluded.typing_position)
  )`;

interface RoomChange {
  receiptPosition: number;
  typing: TypingRow | undefined;
}

export function hasEphemeral({ receipts, typing }: AppendBatch): boolean {
  return receipts.length + typing.length > 0;
}

/** The parameters of what is added. */
export function ephemeralColumns({ receipts, typing }: AppendBatch): unknown[] {
  const rooms = [...changesByRoom(receipts, typing)];
  return [
    receipts.map(({ roomNid }) => roomNid),
    receipts.map(({ userId }) => userId),
    receipts.map(({ type }) => type),
    receipts.map(({ threadId }) => threadId),
    receipts.map(({ eventPosition }) => eventPosition),
    receipts.map(({ position }) => position),
    rooms.map(([roomNid]) => roomNid),
    rooms.map(([, change]) => change.receiptPosition),
    rooms.map(([, change]) => JSON.stringify(change.typing?.typing ?? [])),
    rooms.map(([, change]) => change.typing?.position ?? 0),
  ];
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
