import { MatrixError } from '@ganglion/contracts';

/** Why nothing happens in a room that the operator of this server has blocked. */
export const BLOCKED = 'This room is blocked by the administrators of this server';

export function blockedError(): MatrixError {
  return new MatrixError(403, 'M_FORBIDDEN', BLOCKED);
}

/** @throws MatrixError M_FORBIDDEN in a room that the operator has blocked */
export function checkNotBlocked(room: { readonly blocked: boolean }): void {
  if (room.blocked) throw blockedError();
}
