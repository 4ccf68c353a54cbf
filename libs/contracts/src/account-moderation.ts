import { MatrixError } from './matrix-error.js';

interface Sender {
  readonly userId: string;
  readonly suspended?: boolean | undefined;
}

/** An event that somebody wants to send. */
interface SentEvent {
  readonly type: string;
  /** Of state alone. */
  readonly stateKey?: string | undefined;
  readonly content?: { readonly membership?: unknown };
}

/**
 * The account may not be used for now; its devices stay, so clients keep what they have.
 *
 * @param because in words for the owner
 * @see https://spec.matrix.org/v1.19/client-server-api/#account-locking
 */
export function userLocked(because: string): MatrixError {
  return new MatrixError(401, 'M_USER_LOCKED', because, { soft_logout: true });
}

/** Of an account that was not renewed in time, by the name that clients know from Synapse. */
export function accountExpired(): MatrixError {
  return new MatrixError(403, 'ORG_MATRIX_EXPIRED_ACCOUNT', 'This account has expired: it has to be renewed');
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#account-suspension */
export function userSuspended(): MatrixError {
  return new MatrixError(403, 'M_USER_SUSPENDED', 'You cannot do this while your account is suspended');
}

/**
 * Who is suspended leaves rooms and takes back what they have said (that it is their own is looked at where the event is
 * known), and sends nothing else.
 *
 * @throws MatrixError M_USER_SUSPENDED
 * @see https://spec.matrix.org/v1.19/client-server-api/#account-suspension
 */
export function checkMaySend({ userId, suspended }: Sender, { type, stateKey, content }: SentEvent): void {
  if (!suspended) return;
  if (stateKey === undefined && type === 'm.room.redaction') return;
  if (type === 'm.room.member' && stateKey === userId && content?.membership === 'leave') return;
  throw userSuspended();
}
