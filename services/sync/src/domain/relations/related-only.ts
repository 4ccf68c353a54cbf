import type { CompiledRoomEventFilter } from '@ganglion/protocol';
import type { RelationModel } from '../ports/relation-model.js';
import type { TimelineEvent } from '../timeline-event.js';

/**
 * Of a page of events, whether one is related to as a filter asks: `related_by_senders` and `related_by_rel_types`.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#filtering
 */
export async function relatedOnly(
  relations: Pick<RelationModel, 'related'>,
  filter: CompiledRoomEventFilter,
  { roomNid, upTo }: { readonly roomNid: number; readonly upTo: number },
  events: readonly TimelineEvent[],
): Promise<(event: TimelineEvent) => boolean> {
  if (!filter.looksAtRelations) return () => true;
  const eventIds = events.map(({ text }) => text.eventId);
  const { relatedBySenders: senders, relatedByRelTypes: relTypes } = filter;
  const related = await relations.related({ roomNid, eventIds, senders, relTypes, upTo });
  return ({ text }) => related.has(text.eventId);
}
