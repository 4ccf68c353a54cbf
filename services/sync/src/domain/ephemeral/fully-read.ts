import { MatrixError } from '@ganglion/contracts';
import type { AccountData } from '@ganglion/contracts/user';
import type { ReadModel } from '../ports/read-model.js';
import type { TimelineEvent } from '../timeline-event.js';

const ATTEMPTS = 10;

/**
 * Fully read markers: account data of the room that only the server writes. They move forward only, whichever of a user's
 * devices is faster.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#fully-read-markers
 */
export class FullyReadMarkers {
  constructor(
    private readonly accountData: AccountData,
    private readonly model: ReadModel,
  ) {}

  /** @throws MatrixError M_LIMIT_EXCEEDED when others go on being faster */
  async set(userId: string, roomId: string, event: TimelineEvent): Promise<void> {
    const key = { userId, roomId, type: 'm.fully_read' };
    const contentJson = JSON.stringify({ event_id: event.eventId });
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const known = await this.accountData.getAccountData(key);
      if (await this.#isAsFar(known.contentJson, event)) return;
      const { stored } = await this.accountData.putAccountData({ ...key, contentJson, expectedSeq: known.userSeq });
      if (stored) return;
    }
    throw new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many changes at once', { retry_after_ms: 1_000 });
  }

  async #isAsFar(content: string, event: TimelineEvent): Promise<boolean> {
    const { event_id: eventId } = JSON.parse(content || '{}');
    const known = typeof eventId === 'string' ? await this.model.findEvent(eventId) : undefined;
    return known !== undefined && known.roomNid === event.roomNid && known.position >= event.position;
  }
}
