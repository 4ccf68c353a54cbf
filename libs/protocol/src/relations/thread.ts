import { ProtocolError } from '../errors.js';
import { type RelatableEvent, relationOf } from './relation.js';

/** The thread id of every event that is in no thread. */
export const MAIN_TIMELINE = 'main';

/** How many relations are followed before an event is taken to be in no thread. */
export const MAX_THREAD_HOPS = 3;

/** What says which thread an event is in. */
export type ThreadableEvent = Pick<RelatableEvent, 'event_id' | 'room_id' | 'content'>;

/** A `thread_id` that is neither `main` nor the id of an event. */
export class InvalidThreadIdError extends ProtocolError {
  constructor() {
    super('A thread_id must be "main" or the id of the event that is the root of the thread');
  }
}

/**
 * Whether a thread may start from an event: it must not itself relate to another, other than by replying to it.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#validation-of-mthread-relationships
 */
export function canBeThreadRoot(event: Pick<RelatableEvent, 'content'>): boolean {
  return relationOf(event.content) === undefined;
}

/**
 * The thread of an event: the id of its root, or `main`. An event is in a thread when it, or an event to which it
 * relates over at most three hops, has an `m.thread` relation; the root itself is not. Relations that break the rules
 * are ignored: those into another room, and threads from what cannot be a root. Events that `find` does not know are
 * given the benefit of the doubt.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#threaded-read-receipts
 */
export function threadIdOf(
  event: Pick<RelatableEvent, 'room_id' | 'content'>,
  find: (eventId: string) => Pick<RelatableEvent, 'room_id' | 'content'> | undefined,
): string {
  let child: Pick<RelatableEvent, 'content'> = event;
  for (let hops = 0; hops <= MAX_THREAD_HOPS; hops++) {
    const relation = relationOf(child.content);
    if (relation === undefined) return MAIN_TIMELINE;
    const parent = find(relation.eventId);
    if (parent !== undefined && parent.room_id !== event.room_id) return MAIN_TIMELINE;
    if (relation.relType === 'm.thread') {
      return parent === undefined || canBeThreadRoot(parent) ? relation.eventId : MAIN_TIMELINE;
    }
    if (parent === undefined) return MAIN_TIMELINE;
    child = parent;
  }
  return MAIN_TIMELINE;
}

/**
 * The thread of an event of which only the content is known, and the threads that some events before it are in: what
 * relates to an event of unknown thread counts as part of the main timeline.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#threaded-read-receipts
 */
export function threadIdAfter(content: unknown, threadOf: (eventId: string) => string | undefined): string {
  const relation = relationOf(content);
  if (relation === undefined) return MAIN_TIMELINE;
  return relation.relType === 'm.thread' ? relation.eventId : (threadOf(relation.eventId) ?? MAIN_TIMELINE);
}

/**
 * Whether a receipt for a thread may name an event: one that is in the thread, its root, or one that relates to these. For
 * the main timeline, one that is in no thread.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid
 */
export function isInReachOfThread(
  event: ThreadableEvent,
  threadId: string,
  find: (eventId: string) => ThreadableEvent | undefined,
): boolean {
  if (threadId === MAIN_TIMELINE) return threadIdOf(event, find) === MAIN_TIMELINE;
  let next: ThreadableEvent | undefined = event;
  for (let hops = 0; next !== undefined && hops <= MAX_THREAD_HOPS; hops++) {
    const parent: string | undefined = relationOf(next.content)?.eventId;
    if (next.event_id === threadId || parent === threadId) return true;
    next = parent === undefined ? undefined : find(parent);
  }
  return false;
}

/**
 * Reads the `thread_id` of a receipt: undefined for an unthreaded one.
 *
 * @throws {InvalidThreadIdError}
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid
 */
export function parseReceiptThreadId(threadId: unknown): string | undefined {
  if (threadId === undefined) return undefined;
  if (typeof threadId !== 'string') throw new InvalidThreadIdError();
  if (threadId !== MAIN_TIMELINE && !/^\$.{1,254}$/su.test(threadId)) throw new InvalidThreadIdError();
  return threadId;
}

/**
 * Whether a receipt reaches the events of a thread, or of `main`: an unthreaded one reaches those of all.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#threaded-read-receipts
 */
export function receiptReachesThread(receiptThreadId: string | undefined, threadId: string): boolean {
  return receiptThreadId === undefined || receiptThreadId === threadId;
}
