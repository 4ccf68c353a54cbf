import { isMatrixError } from '@ganglion/contracts';
import type { SendEventRequest } from '@ganglion/contracts/room';
import type { DelayedEventModel } from '../ports/delayed-events.js';
import { type AccountStatuses, checkSender } from './check-sender.js';
import type { DelayedEventRow } from './delayed-event.js';

/** What another user has set meanwhile is not overwritten by what was meant before. */
const SUPERSEDED = {
  errcode: 'M_CANCELLED_BY_STATE_UPDATE',
  error: 'Somebody else has set this state meanwhile',
} as const;

export interface SendDelayedDependencies {
  readonly model: Pick<DelayedEventModel, 'finalise' | 'giveBack' | 'isSuperseded'>;
  readonly accounts: AccountStatuses;
  readonly send: (request: SendEventRequest) => Promise<{ readonly eventId: string }>;
}

/**
 * Sends a delayed event that nobody else is sending. Whoever dies before it is written down that it was sent leaves it to others,
 * who send it under the same transaction: the room has it once.
 *
 * @throws what it could not be sent for: a MatrixError below 500 is the end of it, after anything else it is tried again
 */
export async function sendDelayed(
  { model, accounts, send }: SendDelayedDependencies,
  event: DelayedEventRow,
  byAction: boolean,
): Promise<void> {
  const { delayedNid, roomId, sender, type, stateKey, contentJson, redacts, redactsOwnOnly, delayId } = event;
  const end = (outcome: { eventId?: string; errorJson?: string }) =>
    model.finalise(delayedNid, { eventId: undefined, errorJson: undefined, ...outcome, byAction });
  try {
    if (await model.isSuperseded(event)) return await end({ errorJson: JSON.stringify(SUPERSEDED) });
    const ownOnly = await checkSender(accounts, event);
    const transaction = { userId: sender, deviceId: '', scope: 'delayed', txnId: delayId };
    const request = { roomId, sender, redacts, transaction, event: { type, stateKey, contentJson } };
    await end(await send({ ...request, redactsOwnOnly: redactsOwnOnly || ownOnly }));
  } catch (error) {
    const isRefused = isMatrixError(error) && error.status < 500;
    if (isRefused) await end({ errorJson: JSON.stringify(error) });
    else await model.giveBack(delayedNid);
    throw error;
  }
}
