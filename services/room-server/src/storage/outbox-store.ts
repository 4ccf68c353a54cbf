import { type Database, sql, statement } from '@ganglion/database';
import type { OutboxStore } from '@ganglion/service';
import { forgetPublished } from './commit-statement.js';

/** A run of events whose process died before it was told, or could not be. */
export interface RunLeftBehind {
  readonly roomNid: number;
  readonly roomId: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

interface Page {
  readonly olderThanMs: number;
  readonly behind: { readonly roomNid: number; readonly firstSeq: number };
  readonly limit: number;
}

const listLeftBehind = statement(
  'left-behind-from',
  sql<Page>`
  SELECT o.room_nid AS "roomNid", r.room_id AS "roomId", o.first_seq AS "firstSeq", o.last_seq AS "lastSeq"
  FROM room_server.outbox o JOIN room_server.rooms r USING (room_nid)
  WHERE o.created_at < clock_timestamp() - ${(page) => page.olderThanMs} * interval '1 millisecond'
    AND (o.room_nid, o.first_seq) > (${(page) => page.behind.roomNid}::bigint, ${(page) => page.behind.firstSeq}::bigint)
  ORDER BY o.room_nid, o.first_seq LIMIT ${(page) => page.limit}`,
);

const BEGINNING = { roomNid: 0, firstSeq: 0 };

/** Runs of events that wait to be published. The events themselves are in the log. */
export class RoomOutboxStore implements OutboxStore<RunLeftBehind> {
  constructor(private readonly db: Database) {}

  async leftBehind(olderThanMs: number, limit: number, behind: RunLeftBehind | undefined): Promise<RunLeftBehind[]> {
    const page = { olderThanMs, limit, behind: behind ?? BEGINNING };
    const { rows } = await this.db.query<RunLeftBehind & Record<string, unknown>>(listLeftBehind(page));
    return rows;
  }

  async remove(runs: readonly Pick<RunLeftBehind, 'roomNid' | 'firstSeq'>[]): Promise<void> {
    if (runs.length > 0) await this.db.query(forgetPublished({ published: runs }));
  }
}
