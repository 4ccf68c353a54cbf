import { parseHistoryVisibility } from '@ganglion/protocol';
import { type RoomPlan, summaryOf } from '../placement/room-plan.js';
import type { NewEvent } from '../ports/rooms.js';
import type { Incoming } from './examine.js';

const MEMBER = 'm.room.member';

/** A membership of one of our users in a room that we do not take part in. */
export interface OutOfBand {
  readonly incoming: Incoming;
  /** What the user may know of the room: stripped state as a JSON array. */
  readonly strippedState: string;
}

/** Adds it to the plan, and to what the room's log tells. @param nid of the event, when it is kept as an outlier */
export async function tellOutOfBand(plan: RoomPlan, told: OutOfBand, nid?: number): Promise<NewEvent> {
  const { head, deps } = plan;
  const { strippedState } = told;
  const { event, json } = told.incoming;
  const userId = event.pdu.state_key!;
  const keyNid = await plan.keyNid(MEMBER, userId);
  const eventNid = nid ?? (await deps.numbers.allocate());
  const summary = summaryOf(event);
  const { eventId, membership } = summary;
  const change = { type: MEMBER, stateKey: userId, keyNid, eventNid, eventId, membership };
  plan.setCurrent(change, { nid: eventNid, ...summary, event }, head.entry(MEMBER, userId)?.membership);
  head.roomSeq += 1;
  const added: NewEvent = {
    ...{ nid: eventNid, event, json, status: 'outlier', isKnown: nid !== undefined, roomSeq: head.roomSeq, keyNid },
    ...{ prevNids: [], authNids: [], stateBeforeNid: undefined, stateAfterNid: undefined },
    ...{ visibility: parseHistoryVisibility(undefined), previousVisibility: undefined },
    ...{ stateChanges: [change], jump: undefined, localMemberships: [], missing: [], transaction: undefined },
    ...{
      redactsEventId: undefined,
      redactedNid: undefined,
      redactedBy: undefined,
      strippedState,
      tracePoint: undefined,
    },
  };
  plan.add(added);
  return added;
}
