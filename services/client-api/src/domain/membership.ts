import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { isMatrixError, MatrixError } from '@ganglion/contracts';
import { MembershipAction } from '@ganglion/contracts/room';
import { domainOf, type JsonObject } from '@ganglion/protocol';
import { checkMayInvite } from './invite-permission.js';
import { checkMayLeave } from './notice-rooms.js';
import type { Owners } from './ports.js';
import { profileContent } from './profile-content.js';
import { acceptInviteAsGuest, changeRemotely, joinThroughOthers, type MembershipChange } from './remote-membership.js';

export interface MembershipRequest {
  readonly roomId: string;
  readonly sender: string;
  readonly target: string;
  readonly action: MembershipAction;
  readonly reason: string | undefined;
  /** Further keys that the client may set. */
  readonly content?: JsonObject;
  /** Whether it is a guest: they enter by what asks the room, and what we do not take part in only on an invite. */
  readonly guest?: boolean;
  /** Servers by way of which the user wants to enter. */
  readonly via?: readonly string[];
}

/** These say who somebody is, the others only what happens to them. */
const CARRIES_PROFILE = new Set([MembershipAction.JOIN, MembershipAction.INVITE, MembershipAction.KNOCK]);

/** That none of our users may let somebody in does not mean that nobody may. */
const OTHERS_MAY = new Set(['M_UNABLE_TO_AUTHORISE_JOIN', 'M_UNABLE_TO_GRANT_JOIN']);

/** By then, what has happened here is known to others, if they can be reached. */
const NEWS_TRAVELS_MS = 3_000;
const TRY_AGAIN_MS = 200;

/** Changes a membership; what the target shows of themselves goes along. @throws MatrixError M_FORBIDDEN, M_NOT_FOUND */
export async function changeMembership(owners: Owners, request: MembershipRequest): Promise<void> {
  const { roomId, sender, target, action, reason, via = [] } = request;
  if (action === MembershipAction.INVITE) await checkMayInvite(owners, sender, target);
  if (action === MembershipAction.LEAVE) await checkMayLeave(owners, { roomId, userId: target });
  const profile = CARRIES_PROFILE.has(action) ? await profileContent(owners, target) : {};
  const content = { ...request.content, ...profile, ...(reason !== undefined && { reason }) };
  const change = { roomId, sender, target, action, contentJson: JSON.stringify(content), via };
  // Guests leave as everybody does.
  if (request.guest && action !== MembershipAction.LEAVE) {
    if (await acceptInviteAsGuest(owners, change)) return;
    await owners.rooms.changeMembership({ ...change, guest: true, requestId: randomUUID() });
    return;
  }
  if (await changeRemotely(owners, change)) return;
  try {
    await owners.rooms.changeMembership({ ...change, requestId: randomUUID() });
  } catch (error) {
    await afterRefusal(owners, change, error);
  }
}

/**
 * Asks other servers to let in whom none of our users may let in. They may not know yet what we do: that the user has joined a room
 * whose members may join; and our own users may by then.
 *
 * @throws the refusal, unless somebody lets the user in
 */
async function afterRefusal(owners: Owners, change: MembershipChange, refusal: unknown): Promise<void> {
  if (change.action !== MembershipAction.JOIN || !isMatrixError(refusal) || !OTHERS_MAY.has(refusal.errcode))
    throw refusal;
  const { servers, membership } = await owners.roomIntake.getStanding({ roomId: change.roomId, userId: change.target });
  if (servers.length === 0 || membership === 'ban') throw refusal;
  const end = Date.now() + NEWS_TRAVELS_MS;
  for (;;) {
    const refused = await refusalOf(() => joinThroughOthers(owners, change));
    if (refused === undefined) return;
    if (refused.errcode !== 'M_FORBIDDEN' || refusal.errcode !== 'M_UNABLE_TO_GRANT_JOIN' || Date.now() > end)
      throw refused;
    await pause(TRY_AGAIN_MS);
    const requestId = randomUUID();
    if ((await refusalOf(() => owners.rooms.changeMembership({ ...change, requestId }))) === undefined) return;
  }
}

async function refusalOf(attempt: () => Promise<unknown>): Promise<MatrixError | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    if (isMatrixError(error)) return error;
    throw error;
  }
}

/** A room that was asked for, and servers that are said to be in it. */
export interface ResolvedRoom {
  readonly roomId: string;
  readonly servers: readonly string[];
}

/** The room that an id or an alias stands for. @throws MatrixError M_NOT_FOUND */
export async function resolveRoom(owners: Owners, roomIdOrAlias: string): Promise<ResolvedRoom> {
  return roomIdOrAlias.startsWith('!') ? { roomId: roomIdOrAlias, servers: [] } : resolveAlias(owners, roomIdOrAlias);
}

/** The room that an alias of any server stands for. @throws MatrixError M_NOT_FOUND */
export async function resolveAlias(owners: Owners, alias: string): Promise<ResolvedRoom> {
  if (!owners.isOurs(domainOf(alias))) {
    const { roomId, serverNames } = await owners.remoteQueries.resolveAlias({ alias });
    return { roomId, servers: serverNames };
  }
  const { roomId, servers } = await owners.roomDirectory.resolveAlias({ alias });
  if (roomId === '') throw new MatrixError(404, 'M_NOT_FOUND', `There is no room ${alias}`);
  return { roomId, servers };
}
