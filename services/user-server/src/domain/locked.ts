import { type MatrixError, userLocked } from '@ganglion/contracts';
import type { Account } from './ports.js';

const BECAUSE = 'This account has been locked';

/** Why an account is locked, in words for its owner; undefined when it is not. */
export function lockedBecause({ locked }: Pick<Account, 'locked'>): string | undefined {
  return locked ? BECAUSE : undefined;
}

/**
 * Nobody gets a new token for a locked account.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#account-locking
 */
export function accountLocked(): MatrixError {
  return userLocked(BECAUSE);
}
