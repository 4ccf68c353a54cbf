import { isInReachOfThread, MAX_THREAD_HOPS, relationOf, type ThreadableEvent } from '@ganglion/protocol';
import { contentText } from '../event-text.js';
import type { TimelineEvent } from '../timeline-event.js';

/** Finds events of the room by their id. */
type Find = (eventId: string) => Promise<TimelineEvent | undefined>;

/** Whether a receipt for a thread, or for the main timeline, may name an event. */
export async function belongsToThread(find: Find, event: TimelineEvent, threadId: string): Promise<boolean> {
  const line = await lineage(find, event);
  return isInReachOfThread(line[0], threadId, (eventId) => line.find(({ event_id }) => event_id === eventId));
}

/** The event and those that it relates to, one after the other. */
async function lineage(find: Find, event: TimelineEvent): Promise<[ThreadableEvent, ...ThreadableEvent[]]> {
  const line: [ThreadableEvent, ...ThreadableEvent[]] = [threadable(event)];
  while (line.length <= MAX_THREAD_HOPS) {
    const relation = relationOf(line.at(-1)?.content);
    const next = relation && (await find(relation.eventId));
    if (next === undefined) break;
    line.push(threadable(next));
  }
  return line;
}

function threadable({ text, place }: TimelineEvent): ThreadableEvent {
  return { event_id: text.eventId, room_id: String(place.roomNid), content: JSON.parse(contentText(text)) };
}
