import { type Database, sql, statement } from '@ganglion/database';
import type { AppendBatch } from '../domain/append-batch.js';
import type { Appended, PurgeName } from '../domain/ports/append-model.js';
import { appendStatement } from './append-statement.js';

/** What room-server has purged. The number in late_redactions is 0 where that is told: all of the room is to be looked at anew. */
export const PURGES = 'ALTER TABLE sync.rooms ADD COLUMN purge_seq bigint NOT NULL DEFAULT 0';

const room = ({ roomNid }: PurgeName) => roomNid;
const nids = ({ eventNids }: PurgeName) => eventNids;

const advance = statement(
  'advance-room-purge',
  sql<PurgeName>`
  UPDATE sync.rooms SET purge_seq = ${({ purgeSeq }) => purgeSeq}::bigint
  WHERE room_nid = ${room} AND purge_seq = ${({ purgeSeq }) => purgeSeq - 1}::bigint`,
);

const forgetPlaces = statement(
  'purge-places',
  sql<PurgeName>`
  WITH gone AS (
    DELETE FROM sync.timeline WHERE room_nid = ${room} AND event_nid = ANY (${nids}::bigint[]) RETURNING position
  ), memberships AS (
    DELETE FROM sync.memberships_at m USING gone WHERE m.room_nid = ${room} AND m.position = gone.position
  ), redactions AS (
    DELETE FROM sync.late_redactions WHERE room_nid = ${room} AND event_nid = ANY (${nids}::bigint[]) AND position IN (
      SELECT position FROM gone)
  )
  DELETE FROM sync.relations WHERE room_nid = ${room} AND event_nid = ANY (${nids}::bigint[])`,
);

/** Whoever adds words has done so by then, or finds no place of what is gone. */
const LOCK_WORDS = { name: 'lock-words-to-purge', text: 'SELECT FROM sync.words_progress FOR UPDATE' };

const forgetWords = statement(
  'purge-words',
  sql<PurgeName>`
  WITH searched AS (
    -- What a replica of an earlier release reads.
    DELETE FROM sync.search WHERE room_nid = ${room} AND event_nid = ANY (${nids}::bigint[])
  ), edits AS (
    DELETE FROM sync.words WHERE room_nid = ${room} AND edit_nid = ANY (${nids}::bigint[])
      AND event_nid <> ALL (${nids}::bigint[])
  )
  DELETE FROM sync.words WHERE room_nid = ${room} AND event_nid = ANY (${nids}::bigint[])`,
);

/** All or nothing. What was purged here before is told again, and changes nothing. */
export function appendPurge(
  db: Database,
  batch: AppendBatch,
  epoch: number,
  purge: PurgeName,
): Promise<Appended | undefined> {
  return db.transaction(async (tx) => {
    const { rowCount } = await tx.query(appendStatement(batch, epoch));
    if (rowCount !== 1) return undefined;
    const { rowCount: isNews } = await tx.query(advance(purge));
    if (isNews === 1) {
      await tx.query(forgetPlaces(purge));
      await tx.query(LOCK_WORDS);
      await tx.query(forgetWords(purge));
    }
    return { receipts: new Set() };
  });
}
