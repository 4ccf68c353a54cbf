import type { RoomLog } from '@ganglion/contracts/room';
import { jsonCodec, type RoomVersionRules, roomVersionRules } from '@ganglion/protocol';
import type { TextRoom } from '../texts/event-texts.js';
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
  { roomId, roomVersion }: Pick<TextRoom, 'roomId' | 'roomVersion'>,
  wanted: readonly ShownEvent[],
): Promise<ReadonlyMap<string, string>> {
  const rules = roomVersionRules(roomVersion);
  const ids = [...new Set(wanted.map(({ text }) => text.eventId))];
  const texts = new Map<string, string>();
  for (let first = 0; first < ids.length; first += PAGE) {
    const eventIds = ids.slice(first, first + PAGE);
    const { events } = await log.getEvents({ roomId, eventIds, eventNids: [], roomNids: [] });
    for (const { eventId, pduJson } of events) texts.set(eventId, rawText(eventId, pduJson, rules));
  }
  return texts;
}

function rawText(eventId: string, pduJson: string, rules: RoomVersionRules | undefined): string {
  const codec = jsonCodec(pduJson, rules);
  const pdu = codec.parse(pduJson) as Record<string, unknown>;
  // A copy would not know how its numbers were written.
  return codec.stringify(Object.assign(pdu, { event_id: eventId, unsigned: undefined }));
}
