import type { Database } from '@ganglion/database';
import type { KnownReport, NewReport, ReportModel, ReportPage } from '../domain/ports/report-model.js';

/** What users have reported, for administrators. */
export const REPORTS = `
  CREATE TABLE sync.reports (
    report_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reporter text COLLATE "C" NOT NULL,
    room_id text,
    event_id text,
    user_id text,
    reason text NOT NULL,
    score integer,
    reported_at timestamptz NOT NULL DEFAULT now()
  );
`;

interface ReportRow extends Record<string, unknown> {
  id: number;
  reporter: string;
  roomId: string | null;
  eventId: string | null;
  userId: string | null;
  reason: string;
  score: number | null;
  reportedAtMs: number;
}

/** Reports in PostgreSQL. */
export class ReportStore implements ReportModel {
  constructor(private readonly db: Database) {}

  async add({ reporter, roomId, eventId, userId, reason, score }: NewReport): Promise<void> {
    await this.db.query({
      name: 'add-report',
      text: `INSERT INTO sync.reports (reporter, room_id, event_id, user_id, reason, score)
             VALUES ($1, $2, $3, $4, $5, $6)`,
      values: [reporter, roomId ?? null, eventId ?? null, userId ?? null, reason, score ?? null],
    });
  }

  async list({ from, limit, direction }: ReportPage): Promise<{ reports: KnownReport[]; total: number }> {
    const order = direction === 'backwards' ? 'DESC' : 'ASC';
    const [{ rows }, total] = await Promise.all([
      this.db.query<ReportRow>({
        name: `reports-${direction}`,
        text: `SELECT report_id AS id, reporter, room_id AS "roomId", event_id AS "eventId", user_id AS "userId", reason,
                 score, floor(extract(epoch FROM reported_at) * 1000)::float8 AS "reportedAtMs"
               FROM sync.reports ORDER BY report_id ${order} LIMIT $1 OFFSET $2`,
        values: [limit, from],
      }),
      this.db.query<{ count: number }>({ name: 'count-reports', text: 'SELECT count(*) AS count FROM sync.reports' }),
    ]);
    return { reports: rows.map(reportOf), total: total.rows[0]?.count ?? 0 };
  }
}

function reportOf({ roomId, eventId, userId, score, ...row }: ReportRow): KnownReport {
  return {
    ...{ ...row, roomId: roomId ?? undefined, eventId: eventId ?? undefined, userId: userId ?? undefined },
    score: score ?? undefined,
  };
}
