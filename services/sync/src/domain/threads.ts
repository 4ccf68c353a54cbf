import { MAIN_TIMELINE, relationOf, threadIdOf } from '@ganglion/protocol';
import type { TimelineEvent } from './timeline-event.js';

/** Where events are found by their id. */
interface Events {
  findEvent(eventId: string): Promise<TimelineEvent | undefined>;
}

interface Related {
  readonly eventId: string;
  readonly room_id: string;
  readonly content: Record<string, never>;
}

const MAX_HOPS = 3;

/**
 * Whether a receipt for a thread may name an event: one that is in it, its root, or one that relates to these. For the
 * main timeline, one that is in no thread.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid
 */
export async function belongsToThread(events: Events, event: TimelineEvent, threadId: string): Promise<boolean> {
  const line = await lineage(events, event);
  if (threadId === MAIN_TIMELINE) return threadIn(line) === MAIN_TIMELINE;
  return line.some(({ eventId, content }) => eventId === threadId || relationOf(content)?.eventId === threadId);
}

/** The event and those that it relates to, one after the other. */
async function lineage(events: Events, event: TimelineEvent): Promise<Related[]> {
  const line: Related[] = [];
  for (let next: TimelineEvent | undefined = event; next !== undefined && line.length <= MAX_HOPS; ) {
    const { content } = JSON.parse(next.json);
    line.push({ eventId: next.eventId, room_id: String(next.roomNid), content });
    const relation = relationOf(content);
    next = relation && (await events.findEvent(relation.eventId));
  }
  return line;
}

function threadIn(line: readonly Related[]): string {
  const [event] = line;
  if (event === undefined) return MAIN_TIMELINE;
  return threadIdOf(event, (eventId) => line.find((related) => related.eventId === eventId));
}
