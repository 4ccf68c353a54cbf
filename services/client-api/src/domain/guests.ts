import { isMatrixError, MatrixError } from '@ganglion/contracts';
import type { JsonObject } from '@ganglion/protocol';
import type { Owners } from './ports.js';
import { readState } from './room-state.js';

/** A member event that somebody wants to send as any other state. */
export interface MemberEvent {
  readonly roomId: string;
  readonly sender: string;
  readonly target: string;
  readonly content: JsonObject;
}

/**
 * Of memberships, guests change their own: they leave, or show another name where they have joined. Into rooms they come by
 * nothing but what asks whether the room lets guests in.
 *
 * @throws MatrixError M_GUEST_ACCESS_FORBIDDEN
 * @see https://spec.matrix.org/v1.19/client-server-api/#guest-access
 */
export async function checkGuestMembership(owners: Owners, event: MemberEvent): Promise<void> {
  const { sender, target, content } = event;
  if (sender === target && content.membership === 'leave') return;
  if (sender === target && content.membership === 'join' && (await hasJoined(owners, event))) return;
  throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guests may not do this in rooms');
}

async function hasJoined(owners: Owners, { roomId, sender: userId }: MemberEvent): Promise<boolean> {
  try {
    const [member] = await readState(owners, { roomId, userId, type: 'm.room.member', stateKey: userId });
    return member?.content.membership === 'join';
  } catch (error) {
    if (isMatrixError(error) && error.status === 403) return false;
    throw error;
  }
}
