import { checkMaySend, isUnknownCall, MatrixError } from '@ganglion/contracts';
import type { GetAccountStatusRequest, GetAccountStatusResponse } from '@ganglion/contracts/user';
import type { JsonObject } from '@ganglion/protocol';
import type { DelayedEventRow } from './delayed-event.js';

/** Who knows what has become of an account. */
export interface AccountStatuses {
  getAccountStatus(request: GetAccountStatusRequest): Promise<GetAccountStatusResponse>;
}

/**
 * Looks, when an event is about to be sent that somebody has asked for before, whether they may still send it.
 *
 * @returns whether they may take back nothing but what is their own
 * @throws MatrixError M_USER_DEACTIVATED, M_USER_LOCKED, M_USER_SUSPENDED
 */
export async function checkSender(accounts: AccountStatuses, event: DelayedEventRow): Promise<boolean> {
  const { sender: userId, type, stateKey, contentJson } = event;
  const { ended, locked, suspended } = await statusOf(accounts, userId);
  if (ended) throw new MatrixError(403, 'M_USER_DEACTIVATED', `The account of ${userId} has been deactivated`);
  if (locked) throw new MatrixError(403, 'M_USER_LOCKED', `The account of ${userId} is locked`);
  checkMaySend({ userId, suspended }, { type, stateKey, content: JSON.parse(contentJson) as JsonObject });
  return suspended;
}

async function statusOf(accounts: AccountStatuses, userId: string): Promise<GetAccountStatusResponse> {
  try {
    return await accounts.getAccountStatus({ userId });
  } catch (error) {
    // A user-server of the release before, with which nobody was asked.
    if (!isUnknownCall(error)) throw error;
    return { ended: false, locked: false, suspended: false };
  }
}
