import type { FindAnnotationRequest, IsForgottenRequest, RoomTraces } from '@ganglion/contracts/sync';
import { annotationOf } from '@ganglion/protocol';
import { contentText } from '../domain/event-text.js';
import type { Announcements } from '../domain/feed/announcements.js';
import { membershipsIn } from '../domain/history/membership-histories.js';
import { isForgotten } from '../domain/history/room-access.js';
import type { ReadModel } from '../domain/ports/read-model.js';
import type { RelationModel } from '../domain/ports/relation-model.js';
import type { EventTexts } from '../domain/texts/event-texts.js';

/** What of a user there is in a room, for the service that their client asks. */
export class RoomTracesRpc implements RoomTraces {
  constructor(
    private readonly model: ReadModel,
    private readonly relations: Pick<RelationModel, 'annotationsBy'>,
    private readonly texts: Pick<EventTexts, 'load'>,
    private readonly announcements: Pick<Announcements, 'settled'>,
  ) {}

  async findAnnotation(request: FindAnnotationRequest) {
    const found = await this.#annotation(request);
    if (found.eventId === undefined) return found;
    // It may have been redacted a moment ago.
    await this.announcements.settled(request.roomId);
    return this.#annotation(request);
  }

  async #annotation({ roomId, userId, parentId, type, key }: FindAnnotationRequest): Promise<{ eventId?: string }> {
    const room = await this.model.findRoom(roomId);
    if (room === undefined) return {};
    const nids = await this.relations.annotationsBy({ roomNid: room.nid, parentId, type, sender: userId });
    const texts = await this.texts.load(room, nids);
    const same = [...texts.values()].find((text) => annotationOf(JSON.parse(contentText(text)))?.key === key);
    return same === undefined ? {} : { eventId: same.eventId };
  }

  async isForgotten({ roomId, userId }: IsForgottenRequest) {
    const room = await this.model.findRoom(roomId);
    if (room === undefined) return { forgotten: false };
    const { leftAt } = await membershipsIn(this.model, room.nid, userId);
    return { forgotten: leftAt !== undefined && (await isForgotten(this.model, userId, room.nid, leftAt)) };
  }
}
