import { MatrixError } from '@ganglion/contracts';
import type { AccountData } from '@ganglion/contracts/user';
import type { RoomRecord } from '../ports/read-model.js';
import type { TimelineEvent } from '../timeline-event.js';
import type { EventFinder } from '../views/event-finder.js';

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
    private readonly finder: EventFinder,
  ) {}

  /** @throws MatrixError M_LIMIT_EXCEEDED when others go on being faster */
  async set(userId: string, room: RoomRecord, event: TimelineEvent): Promise<void> {
    const key = { userId, roomId: room.roomId, type: 'm.fully_read' };
    const contentJson = JSON.stringify({ event_id: event.text.eventId });
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const known = await this.accountData.getAccountData(key);
      if (await this.#isAsFar(userId, room, known.contentJson, event)) return;
      const { stored } = await this.accountData.putAccountData({ ...key, contentJson, expectedSeq: known.userSeq });
      if (stored) return;
    }
    throw new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many changes at once', { retry_after_ms: 1_000 });
  }

  async #isAsFar(userId: string, room: RoomRecord, content: string, event: TimelineEvent): Promise<boolean> {
    const { event_id: eventId } = JSON.parse(content || '{}');
    const known = typeof eventId === 'string' ? await this.finder.find(room, eventId, userId) : undefined;
    return known !== undefined && known.place.position >= event.place.position;
  }
}
