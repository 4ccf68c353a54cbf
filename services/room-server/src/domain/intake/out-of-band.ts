import { MatrixError } from '@ganglion/contracts';
import { exactJson, isJsonObject } from '@ganglion/protocol';
import { type Command, command } from '../room-actor.js';
import { asKept } from './as-kept.js';
import type { Outcome } from './examine.js';
import { parseList } from './parse-list.js';
import { type OutOfBand, tellOutOfBand } from './tell-out-of-band.js';

const MEMBER = 'm.room.member';

/**
 * Tells a user of an invite to a room that we are not in, or of what became of their invite or knock. The event has no
 * place in the room: nobody here knows what was before it.
 *
 * @throws MatrixError M_BAD_STATE when we take part in the room: then the event has its place there
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid
 */
export function putOutOfBandMembership(told: OutOfBand): Command<Outcome> {
  const { eventId, event } = told.incoming;
  return command(
    [{ type: MEMBER, stateKey: event.pdu.state_key ?? '' }],
    async ({ plan }) => {
      const known = (await plan.deps.graph.find(plan.head.nid, [eventId])).get(eventId);
      if (known?.roomSeq === undefined) {
        if (plan.head.stateNid !== undefined && plan.head.participating) {
          throw new MatrixError(409, 'M_BAD_STATE', 'This server takes part in the room');
        }
        await tellOutOfBand(plan, { ...told, incoming: await asKept(plan, told.incoming, known) }, known?.nid);
      }
      return { eventId, fate: 'outlier', reason: '', missing: [] };
    },
    { isForBlocked: event.pdu.content.membership === 'leave' },
  );
}

/** @throws MatrixError M_BAD_JSON unless it is a list of events, as far as clients look at them */
export function checkStrippedState(json: string): string {
  const events = parseList(json);
  const isStripped = (event: unknown) =>
    isJsonObject(event) &&
    typeof event.type === 'string' &&
    typeof event.state_key === 'string' &&
    isJsonObject(event.content);
  if (events === undefined || !events.every(isStripped)) {
    throw new MatrixError(400, 'M_BAD_JSON', 'The stripped state is no list of state events');
  }
  return exactJson.stringify(events);
}
