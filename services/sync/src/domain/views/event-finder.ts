import type { ReadModel, RoomRecord } from '../ports/read-model.js';
import type { EventTexts } from '../texts/event-texts.js';
import { showEvents } from '../texts/shown-events.js';
import type { TimelineEvent } from '../timeline-event.js';
import type { RoomViews } from './room-views.js';

/** Finds events of a room by their ids: recent ones in memory. */
export class EventFinder {
  constructor(
    private readonly model: Pick<ReadModel, 'findPlace'>,
    private readonly rooms: RoomViews,
    private readonly texts: EventTexts,
  ) {}

  /**
   * An event that has its place in the room, as far as this replica knows, with what a user's membership was at it. Whether
   * the user may see it is another question.
   *
   * @throws what the room-server cannot be reached for
   */
  async find(room: RoomRecord, eventId: string, userId: string): Promise<TimelineEvent | undefined> {
    const text = await this.texts.find(room, eventId);
    if (text === undefined) return undefined;
    const recent = this.rooms.peek(room.nid)?.recent(text.eventNid);
    const place = recent ?? (await this.model.findPlace(room.nid, text.eventNid, userId));
    if (place === undefined) return undefined;
    const [event] = await showEvents(this.texts, room, [place]);
    return event;
  }
}
