/** What somebody reports: an event of a room, a room, or a user. */
export interface NewReport {
  readonly reporter: string;
  readonly roomId?: string | undefined;
  readonly eventId?: string | undefined;
  readonly userId?: string | undefined;
  readonly reason: string;
  /** As clients of before v1.18 gave it: from -100 for the most offensive to 0. */
  readonly score?: number | undefined;
}

export interface KnownReport extends NewReport {
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly reportedAtMs: number;
}

export interface ReportPage {
  /** How many to pass over. */
  readonly from: number;
  readonly limit: number;
  readonly direction: 'forwards' | 'backwards';
}

export interface ReportModel {
  add(report: NewReport): Promise<void>;
  list(page: ReportPage): Promise<{ readonly reports: readonly KnownReport[]; readonly total: number }>;
}
