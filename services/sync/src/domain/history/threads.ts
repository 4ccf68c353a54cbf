import { isInReachOfThread, MAX_THREAD_HOPS, relationOf, type ThreadableEvent } from '@ganglion/protocol';
import type { TimelineEvent } from '../timeline-event.js';

/** Where events are found by their id. */
interface Events {
  findEvent(eventId: string): Promise<TimelineEvent | undefined>;
}

/** Whether a receipt for a thread, or for the main timeline, may name an event. */
export async function belongsToThread(events: Events, event: TimelineEvent, threadId: string): Promise<boolean> {
  const line = await lineage(events, event);
  return isInReachOfThread(line[0], threadId, (eventId) => line.find(({ event_id }) => event_id === eventId));
}

/** The event and those that it relates to, one after the other. */
async function lineage(events: Events, event: TimelineEvent): Promise<[ThreadableEvent, ...ThreadableEvent[]]> {
  const line: [ThreadableEvent, ...ThreadableEvent[]] = [threadable(event)];
  while (line.length <= MAX_THREAD_HOPS) {
    const relation = relationOf(line.at(-1)?.content);
    const next = relation && (await events.findEvent(relation.eventId));
    if (next === undefined) break;
    line.push(threadable(next));
  }
  return line;
}

function threadable({ eventId, roomNid, json }: TimelineEvent): ThreadableEvent {
  return { event_id: eventId, room_id: String(roomNid), content: JSON.parse(json).content };
}
