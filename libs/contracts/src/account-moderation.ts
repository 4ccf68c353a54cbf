import { MatrixError } from './matrix-error.js';

/**
 * The account may not be used for now; its devices stay, so clients keep what they have.
 *
 * @param because in words for the owner
 * @see https://spec.matrix.org/v1.19/client-server-api/#account-locking
 */
export function userLocked(because: string): MatrixError {
  return new MatrixError(401, 'M_USER_LOCKED', because, { soft_logout: true });
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#account-suspension */
export function userSuspended(): MatrixError {
  return new MatrixError(403, 'M_USER_SUSPENDED', 'You cannot do this while your account is suspended');
}
