import type { ReadModel } from '../ports/read-model.js';
import type { EventTexts } from '../texts/event-texts.js';
import { showState } from '../texts/shown-events.js';
import type { ShownEvent } from '../timeline-event.js';
import { allMembersAt } from '../views/room-state.js';
import type { RoomView } from '../views/room-view.js';

interface Readers {
  readonly model: ReadModel;
  readonly texts: EventTexts;
}

/** The member events of a room at a position, a page at a time: there may be more than memory should be filled with. */
export async function* memberEvents(
  { model, texts }: Readers,
  view: RoomView,
  at: number,
  isWanted: (membership: string) => boolean,
): AsyncGenerator<readonly ShownEvent[]> {
  let isFirst = true;
  for await (const members of allMembersAt(model, view, at)) {
    const wanted = members.filter(({ membership, eventNid }) => eventNid !== undefined && isWanted(membership ?? ''));
    yield showState(isFirst ? texts : texts.passing, view.record, wanted);
    isFirst = false;
  }
}
