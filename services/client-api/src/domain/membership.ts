import { randomUUID } from 'node:crypto';
import { MatrixError } from '@ganglion/contracts';
import { MembershipAction } from '@ganglion/contracts/room';
import type { JsonObject } from '@ganglion/protocol';
import type { Owners } from './ports.js';
import { profileContent } from './profile-content.js';

export interface MembershipRequest {
  readonly roomId: string;
  readonly sender: string;
  readonly target: string;
  readonly action: MembershipAction;
  readonly reason: string | undefined;
  /** Further keys that the client may set. */
  readonly content?: JsonObject;
}

/** These say who somebody is, the others only what happens to them. */
const CARRIES_PROFILE = new Set([MembershipAction.JOIN, MembershipAction.INVITE, MembershipAction.KNOCK]);

/** Changes a membership; what the target shows of themselves goes along. @throws MatrixError M_FORBIDDEN, M_NOT_FOUND */
export async function changeMembership(owners: Owners, request: MembershipRequest): Promise<void> {
  const { roomId, sender, target, action, reason } = request;
  const profile = CARRIES_PROFILE.has(action) ? await profileContent(owners, target) : {};
  const content = { ...request.content, ...profile, ...(reason !== undefined && { reason }) };
  const contentJson = JSON.stringify(content);
  await owners.rooms.changeMembership({ roomId, sender, target, action, contentJson, requestId: randomUUID() });
}

/** The room that an id or an alias stands for. @throws MatrixError M_NOT_FOUND */
export async function resolveRoom({ roomDirectory }: Owners, roomIdOrAlias: string): Promise<string> {
  if (roomIdOrAlias.startsWith('!')) return roomIdOrAlias;
  const { roomId } = await roomDirectory.resolveAlias({ alias: roomIdOrAlias });
  if (roomId === '') throw new MatrixError(404, 'M_NOT_FOUND', `There is no room ${roomIdOrAlias}`);
  return roomId;
}
