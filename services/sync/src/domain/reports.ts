import { MatrixError } from '@ganglion/contracts';
import type { Users } from '@ganglion/contracts/user';
import { type HistoryDependencies, type Reader, readRoom, visibleEvent } from './history/reading.js';
import type { KnownReport, ReportModel, ReportPage } from './ports/report-model.js';

interface Reason {
  readonly reason: string;
}

/** What users report to those who run the server. @see https://spec.matrix.org/v1.19/client-server-api/#reporting-content */
export class Reports {
  constructor(
    private readonly history: HistoryDependencies,
    private readonly users: Pick<Users, 'getProfile'>,
    private readonly reports: ReportModel,
    private readonly isLocal: (userId: string) => boolean,
  ) {}

  /** @throws MatrixError M_NOT_FOUND for a room that is not known here */
  async reportRoom({ userId }: Reader, { roomId, reason }: Reason & { roomId: string }): Promise<void> {
    if ((await this.history.model.findRoom(roomId)) === undefined) throw notFound('There is no such room here');
    await this.reports.add({ reporter: userId, roomId, reason });
  }

  /** @throws MatrixError M_NOT_FOUND for an event that they may not see, or of a room that they may not look into */
  async reportEvent(reader: Reader, told: Reason & { roomId: string; eventId: string; score: number | undefined }) {
    const { roomId, eventId } = told;
    const see = readRoom(this.history, { ...reader, roomId }, undefined, (access) =>
      visibleEvent(this.history, access, { ...reader, eventId }),
    );
    const event = await see.catch((error: unknown) => {
      throw error instanceof MatrixError ? notFound('There is no such event that you may see') : error;
    });
    const { reason, score } = told;
    await this.reports.add({ reporter: reader.userId, roomId, eventId, userId: event.text.sender, reason, score });
  }

  /** @throws MatrixError M_NOT_FOUND for a user that is not one of ours, though they should be */
  async reportUser(reader: Reader, { userId, reason }: Reason & { userId: string }): Promise<void> {
    if (this.isLocal(userId)) await this.users.getProfile({ userId });
    await this.reports.add({ reporter: reader.userId, userId, reason });
  }

  list(page: ReportPage): Promise<{ readonly reports: readonly KnownReport[]; readonly total: number }> {
    return this.reports.list(page);
  }
}

function notFound(message: string): MatrixError {
  return new MatrixError(404, 'M_NOT_FOUND', message);
}
