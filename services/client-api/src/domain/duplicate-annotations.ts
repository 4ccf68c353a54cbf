import { MatrixError } from '@ganglion/contracts';
import type { SendEventRequest, SendEventResponse } from '@ganglion/contracts/room';
import { type JsonObject, relationOf } from '@ganglion/protocol';
import type { Owners } from './ports.js';
import { annotationOf } from './room-traces.js';

type Sender = Pick<Owners, 'rooms' | 'roomTraces'>;

/**
 * Nobody annotates an event twice with the same, as far as is known by now. Who repeats the request of the first gets what that was
 * answered with.
 *
 * @throws MatrixError M_DUPLICATE_ANNOTATION
 * @see https://spec.matrix.org/v1.19/client-server-api/#avoiding-duplicate-annotations
 */
export async function sentAnnotation(
  owners: Sender,
  { roomId, sender, event, transaction }: SendEventRequest,
  content: JsonObject,
): Promise<SendEventResponse | undefined> {
  const relation = relationOf(content);
  if (relation?.relType !== 'm.annotation' || relation.key === undefined) return undefined;
  const asked = { roomId, userId: sender, parentId: relation.eventId, type: event?.type ?? '', key: relation.key };
  if ((await annotationOf(owners.roomTraces, asked)) === undefined) return undefined;
  const before = transaction && (await owners.rooms.findSentEvent({ roomId, transaction }).catch(() => undefined));
  if (before !== undefined) return before;
  throw new MatrixError(400, 'M_DUPLICATE_ANNOTATION', 'You have annotated this event with the same already');
}
