import { type RelatableEvent, relationOf } from './relation.js';
import { latestReplacement } from './replacement.js';
import { canBeThreadRoot } from './thread.js';

/** For whom relations are aggregated. */
export interface AggregationViewer {
  readonly userId: string;
  readonly ignoredUsers: ReadonlySet<string>;
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#server-side-aggregation-of-mthread-relationships */
export interface ThreadSummary<E> {
  readonly latest_event: E;
  readonly count: number;
  readonly current_user_participated: boolean;
}

/** What `unsigned` holds under `m.relations`. */
export interface BundledAggregations<E> {
  'm.replace'?: E;
  'm.thread'?: ThreadSummary<E>;
  'm.reference'?: { readonly chunk: readonly { readonly event_id: string }[] };
}

/**
 * What to bundle with an event, given the children that the viewer may see, oldest first in topological order.
 * Annotations are never aggregated and state events get no aggregations. The events in the answer are those passed
 * in: aggregate the children of a thread's `latest_event` in turn.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events
 */
export function bundleAggregations<E extends RelatableEvent>(
  event: RelatableEvent,
  children: Iterable<E>,
  viewer: AggregationViewer,
): BundledAggregations<E> {
  if (event.state_key !== undefined) return {};
  const visible = [...children].filter(
    (child) => child.room_id === event.room_id && !viewer.ignoredUsers.has(child.sender),
  );
  const replacement = latestReplacement(event, visible);
  const thread = summariseThread(event, childrenBy('m.thread', event, visible), viewer);
  const references = childrenBy('m.reference', event, visible);
  return {
    ...(replacement && { 'm.replace': replacement }),
    ...(thread && { 'm.thread': thread }),
    ...(references.length > 0 && { 'm.reference': { chunk: references.map(({ event_id }) => ({ event_id })) } }),
  };
}

function childrenBy<E extends RelatableEvent>(relType: string, parent: RelatableEvent, children: readonly E[]): E[] {
  return children.filter((child) => {
    const relation = relationOf(child.content);
    return relation?.relType === relType && relation.eventId === parent.event_id;
  });
}

function summariseThread<E extends RelatableEvent>(
  root: RelatableEvent,
  replies: readonly E[],
  viewer: AggregationViewer,
): ThreadSummary<E> | undefined {
  const latest = replies.at(-1);
  if (latest === undefined || !canBeThreadRoot(root)) return undefined;
  const participated = [root, ...replies].some(({ sender }) => sender === viewer.userId);
  return { latest_event: latest, count: replies.length, current_user_participated: participated };
}
