import { MatrixError } from '@ganglion/contracts';
import type { SendEventRequest, SendEventResponse } from '@ganglion/contracts/room';
import { annotationOf, type JsonObject } from '@ganglion/protocol';
import type { Owners } from './ports.js';
import { knownAnnotation } from './room-traces.js';

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
  const annotation = annotationOf(content);
  if (annotation === undefined) return undefined;
  const { eventId: parentId, key } = annotation;
  const asked = { roomId, userId: sender, parentId, type: event?.type ?? '', key };
  if ((await knownAnnotation(owners.roomTraces, asked)) === undefined) return undefined;
  const before = transaction && (await owners.rooms.findSentEvent({ roomId, transaction }).catch(() => undefined));
  if (before !== undefined) return before;
  throw new MatrixError(400, 'M_DUPLICATE_ANNOTATION', 'You have annotated this event with the same already');
}
