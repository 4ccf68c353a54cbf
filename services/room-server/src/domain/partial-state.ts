import { MatrixError } from '@ganglion/contracts';
import type { RoomHead } from './room-head.js';

/** How soon it is worth to ask again, in milliseconds. */
const RETRY_AFTER_MS = 1_000;

/** What is asked needs members of a room that are not known yet: most rooms are whole a moment later. */
export class MembersUnknownError extends MatrixError {
  constructor() {
    const message = 'This server is still learning who is in the room, please try again';
    super(503, 'M_UNKNOWN', message, { retry_after_ms: RETRY_AFTER_MS });
  }
}

/** @throws MembersUnknownError where a user's membership decides and is not known; a head that knows all members knows it */
export function checkMemberIsKnown(head: RoomHead, userId: string): void {
  if (head.partialState && head.entry('m.room.member', userId) === undefined) throw new MembersUnknownError();
}

/**
 * For other servers, who can ask somebody else.
 *
 * @throws MatrixError M_NOT_FOUND while most members are not known
 */
export function checkIsWhole(head: RoomHead): void {
  if (!head.partialState) return;
  throw new MatrixError(404, 'M_NOT_FOUND', 'This server is still learning who is in the room');
}
