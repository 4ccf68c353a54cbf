import { type Database, rowsOf, sql, statement, type Transaction } from '@ganglion/database';
import type { MissedRoom, OutgoingEdu, OutgoingPdu, SenderLog } from '../domain/ports/sending.js';
import { addWork, keyOf } from './destination-work.js';
import { queueEdus } from './edu-queue.js';

interface QueuedRow {
  readonly server_name: string;
  readonly origin: string;
  readonly pdu_nid: number;
  readonly room_id: string;
  readonly room_seq: number;
}

const addPdus = statement(
  'add-outgoing-pdus',
  sql<readonly OutgoingPdu[]>`
  INSERT INTO federation_api.outgoing_pdus (pdu)
  SELECT pdu FROM (${rowsOf('r', { room_seq: 'bigint', pdu: 'text' }, (pdus) =>
    pdus.map(({ roomSeq, json }) => ({ room_seq: roomSeq, pdu: json })),
  )}) AS given ORDER BY room_seq RETURNING pdu_nid`,
);

const queue = statement(
  'queue-pdus',
  sql<readonly QueuedRow[]>`
  INSERT INTO federation_api.queued_pdus (server_name, origin, pdu_nid, room_id, room_seq)
  ${rowsOf(
    'r',
    { server_name: 'text', origin: 'text', pdu_nid: 'bigint', room_id: 'text', room_seq: 'bigint' },
    (rows) => rows,
  )}`,
);

const miss = statement(
  'miss-rooms',
  sql<readonly Omit<QueuedRow, 'pdu_nid'>[]>`
  INSERT INTO federation_api.missed_rooms AS m (server_name, origin, room_id, room_seq)
  SELECT * FROM (${rowsOf(
    'r',
    { server_name: 'text', origin: 'text', room_id: 'text', room_seq: 'bigint' },
    (rows) => rows,
  )}) AS given
  ON CONFLICT (server_name, origin, room_id) DO UPDATE SET room_seq = greatest(m.room_seq, excluded.room_seq)`,
);

const saveRooms = statement(
  'save-sender-rooms',
  sql<readonly MissedRoom[]>`
  INSERT INTO federation_api.sender_rooms AS s (room_id, room_seq)
  SELECT * FROM (${rowsOf('r', { room_id: 'text', room_seq: 'bigint' }, (rooms) =>
    rooms.map(({ roomId, roomSeq }) => ({ room_id: roomId, room_seq: roomSeq })),
  )}) AS given ORDER BY room_id
  ON CONFLICT (room_id) DO UPDATE SET room_seq = excluded.room_seq WHERE s.room_seq < excluded.room_seq
  RETURNING room_id`,
);

/** How far the logs of rooms were read, in PostgreSQL. */
export class PostgresSenderLog implements SenderLog {
  constructor(private readonly db: Database) {}

  async cursor(): Promise<number | undefined> {
    const text = 'SELECT room_cursor FROM federation_api.sender';
    const { rows } = await this.db.query<{ room_cursor: number }>({ name: 'sender-cursor', text });
    return rows[0]?.room_cursor;
  }

  async saveCursor(cursor: number): Promise<void> {
    await this.db.query({
      name: 'save-sender-cursor',
      text: `INSERT INTO federation_api.sender (is_one, room_cursor) VALUES (true, $1)
        ON CONFLICT (is_one) DO UPDATE SET room_cursor = excluded.room_cursor`,
      values: [cursor],
    });
  }

  async roomSeqs(roomIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.db.query<{ room_id: string; room_seq: number }>({
      name: 'sender-room-seqs',
      text: 'SELECT room_id, room_seq FROM federation_api.sender_rooms WHERE room_id = ANY ($1::text[])',
      values: [roomIds],
    });
    return new Map(rows.map(({ room_id, room_seq }) => [room_id, room_seq]));
  }

  async skip(heads: readonly MissedRoom[]): Promise<void> {
    if (heads.length > 0) await this.db.query(saveRooms(heads));
  }

  async append(
    roomId: string,
    upToSeq: number,
    pdus: readonly OutgoingPdu[],
    edus: readonly OutgoingEdu[],
  ): Promise<void> {
    await this.db.transaction(async (tx) => {
      const { rows } = await tx.query(saveRooms([{ roomId, roomSeq: upToSeq }]));
      // Another reader was here: what there was to queue is queued.
      if (rows.length === 0) return;
      // In one order for both, as others take destinations in it, too.
      await addWork(
        tx,
        [...pdus, ...edus].flatMap(({ routes }) => routes),
      );
      await queuePdus(tx, roomId, pdus);
      await queueEdus(tx, edus);
    });
  }
}

async function queuePdus(tx: Transaction, roomId: string, pdus: readonly OutgoingPdu[]): Promise<void> {
  const told = pdus.filter(({ routes }) => routes.length > 0).toSorted((a, b) => a.roomSeq - b.roomSeq);
  if (told.length === 0) return;
  const behind = await addWork(
    tx,
    told.flatMap((pdu) => pdu.routes),
  );
  const rowsFor = (pdu: OutgoingPdu, away: boolean) =>
    pdu.routes
      .filter((route) => behind.has(keyOf(route)) === away)
      .map(({ server, origin }) => ({ server_name: server, origin, room_id: roomId, room_seq: pdu.roomSeq }));
  const live = told.filter((pdu) => rowsFor(pdu, false).length > 0);
  if (live.length > 0) {
    const added = await tx.query<{ pdu_nid: number }>(addPdus(live));
    const nids = added.rows.map(({ pdu_nid }) => pdu_nid).toSorted((a, b) => a - b);
    await tx.query(queue(live.flatMap((pdu, i) => rowsFor(pdu, false).map((row) => ({ ...row, pdu_nid: nids[i]! })))));
  }
  // Of each room the last one.
  const missed = new Map(
    told.flatMap((pdu) => rowsFor(pdu, true)).map((row) => [`${row.server_name} ${row.origin}`, row]),
  );
  if (missed.size > 0) await tx.query(miss([...missed.values()]));
}
