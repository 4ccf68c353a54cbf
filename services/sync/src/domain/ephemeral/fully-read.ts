import { retryOnChange } from '@ganglion/contracts';
import type { AccountData } from '@ganglion/contracts/user';
import type { RoomRecord } from '../ports/read-model.js';
import type { TimelineEvent } from '../timeline-event.js';
import type { EventFinder } from '../views/event-finder.js';

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
    await retryOnChange(async () => {
      const known = await this.accountData.getAccountData(key);
      if (await this.#isAsFar(userId, room, known.contentJson, event)) return true;
      const { stored } = await this.accountData.putAccountData({ ...key, contentJson, expectedSeq: known.userSeq });
      return stored;
    });
  }

  async #isAsFar(userId: string, room: RoomRecord, content: string, event: TimelineEvent): Promise<boolean> {
    const { event_id: eventId } = JSON.parse(content || '{}');
    const known = typeof eventId === 'string' ? await this.finder.find(room, eventId, userId) : undefined;
    return known !== undefined && known.place.position >= event.place.position;
  }
}
