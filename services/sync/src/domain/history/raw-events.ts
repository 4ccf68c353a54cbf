import type { RoomLog } from '@ganglion/contracts/room';
import type { ShownEvent } from '../timeline-event.js';

const PAGE = 100;

/**
 * The texts of one room's events as servers exchange them, with their ids and without `unsigned`, for filters that ask for
 * the format `federation`. Few do, so the room's log is asked for them. What it does not have is left out.
 *
 * @throws what the room-server cannot be reached for
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter
 */
export async function rawEvents(
  log: Pick<RoomLog, 'getEvents'>,
  roomId: string,
  wanted: readonly ShownEvent[],
): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(wanted.map(({ text }) => text.eventId))];
  const texts = new Map<string, string>();
  for (let first = 0; first < ids.length; first += PAGE) {
    const eventIds = ids.slice(first, first + PAGE);
    const { events } = await log.getEvents({ roomId, eventIds, eventNids: [], roomNids: [] });
    for (const { eventId, pduJson } of events) texts.set(eventId, rawText(eventId, pduJson));
  }
  return texts;
}

function rawText(eventId: string, pduJson: string): string {
  const { unsigned: _, ...pdu } = JSON.parse(pduJson);
  return JSON.stringify({ event_id: eventId, ...pdu });
}
