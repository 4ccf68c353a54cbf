import type { TimelineEvent } from '../timeline-event.js';

/** The last of some events: the live ones come in the order of positions, after all that was backfilled. */
export function latestOf(events: readonly TimelineEvent[]): TimelineEvent | undefined {
  const rank = ({ place }: TimelineEvent) => (place.position > 0 ? place.position : Number.NEGATIVE_INFINITY);
  return events.reduce<TimelineEvent | undefined>((latest, event) => {
    if (latest === undefined || rank(event) > rank(latest)) return event;
    return rank(event) === rank(latest) && event.place.depth > latest.place.depth ? event : latest;
  }, undefined);
}

/** Which state is shown with an event. Where that of one that was backfilled cannot be told, it is that of now. */
export function stateTime({ place: { position } }: TimelineEvent, stateUpTo: number): number {
  return position > 0 ? Math.min(position, stateUpTo) : stateUpTo;
}
