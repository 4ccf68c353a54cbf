import { relationOf } from '@ganglion/protocol';
import type { RelationRow } from '../append-batch.js';
import { contentText, type EventText } from '../event-text.js';
import type { EventPlace } from '../timeline-event.js';

/** What is longer is no name that anybody could ask for. */
const MAX_NAME = 255;

/**
 * How an event relates to another one; undefined when it does not. State does not relate to anything.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#forming-relationships-between-events
 */
export function relationRow(place: EventPlace, text: EventText): RelationRow | undefined {
  const content = contentText(text);
  if (text.stateKey !== undefined || text.redactedByNid !== undefined || !content.includes('"m.relates_to"'))
    return undefined;
  const relation = relationOf(JSON.parse(content));
  if (relation === undefined || text.type.length > MAX_NAME || text.sender.length > MAX_NAME) return undefined;
  const { roomNid, position, depth, eventNid } = place;
  return {
    ...{ roomNid, position, depth, eventNid, eventId: text.eventId, type: text.type, sender: text.sender },
    ...{ parentId: relation.eventId, relType: relation.relType, originServerTs: text.originServerTs },
  };
}
