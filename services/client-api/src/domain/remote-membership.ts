import { isMatrixError, isUnknownCall, MatrixError } from '@ganglion/contracts';
import type { RemoteRoomResponse } from '@ganglion/contracts/federation';
import { MembershipAction } from '@ganglion/contracts/room';
import { domainOf, type JsonObject } from '@ganglion/protocol';
import type { Owners } from './ports.js';

/** A change of a membership, with the whole of its content. */
export interface MembershipChange {
  readonly roomId: string;
  readonly sender: string;
  readonly target: string;
  readonly action: MembershipAction;
  readonly contentJson: string;
  /** Servers by way of which the user wants to enter. */
  readonly via: readonly string[];
}

/** A join may have a whole room to bring. */
const LONGEST_MS = 300_000;

/**
 * Does what can only be done by way of other servers: entering rooms that we do not take part in, declining invites to them, and
 * inviting users of others. Whether it was such a thing.
 *
 * @throws MatrixError as the other servers refuse
 * @see https://spec.matrix.org/v1.19/server-server-api/#joining-rooms
 */
export async function changeRemotely(owners: Owners, change: MembershipChange): Promise<boolean> {
  switch (change.action) {
    case MembershipAction.JOIN:
    case MembershipAction.KNOCK:
      return enterRemotely(owners, change);
    case MembershipAction.LEAVE:
      return leaveRemotely(owners, change);
    case MembershipAction.INVITE:
      return inviteRemotely(owners, change);
    default:
      return false;
  }
}

async function enterRemotely(owners: Owners, change: MembershipChange): Promise<boolean> {
  const { roomId, target: userId, via, contentJson, action } = change;
  const standing = await owners.roomIntake.getStanding({ roomId, userId });
  const others = via.filter((name) => !owners.isOurs(name));
  const isUnknown = standing.roomVersion === '' && others.length > 0;
  if (standing.takesPart || (standing.servers.length === 0 && !isUnknown)) return false;
  const entry = { roomId, userId, serverNames: others, contentJson };
  const { remoteRooms } = owners;
  await untilDone(() =>
    action === MembershipAction.JOIN ? remoteRooms.joinRoom(entry) : remoteRooms.knockRoom(entry),
  );
  return true;
}

/**
 * Joins a room that we do not take part in and that a guest is invited to: whoever invites somebody is asked. Whether it was such a
 * thing.
 *
 * @throws MatrixError M_GUEST_ACCESS_FORBIDDEN, and as the other servers refuse
 * @see https://spec.matrix.org/v1.19/client-server-api/#guest-access
 */
export async function acceptInviteAsGuest(owners: Owners, change: MembershipChange): Promise<boolean> {
  const { roomId, target: userId, action, contentJson } = change;
  if (action !== MembershipAction.JOIN) return false;
  const { takesPart, membership } = await owners.roomIntake.getStanding({ roomId, userId });
  if (takesPart || membership !== 'invite') return false;
  await untilDone(() => owners.remoteRooms.joinRoom({ roomId, userId, serverNames: [], contentJson, guest: true }));
  return true;
}

/**
 * Joins a restricted room that we take part in, but that none of our users may let anybody into: by way of servers that can.
 *
 * @throws MatrixError as they refuse
 */
export async function joinThroughOthers(owners: Owners, change: MembershipChange): Promise<void> {
  const { roomId, target: userId, via, contentJson } = change;
  const entry = { roomId, userId, serverNames: via.filter((name) => !owners.isOurs(name)), contentJson };
  await untilDone(() => owners.remoteRooms.joinRoom(entry));
}

/** When no server can be reached, or none takes it, the user has left all the same: that is for room-server to note. */
async function leaveRemotely(owners: Owners, { roomId, target, contentJson }: MembershipChange): Promise<boolean> {
  const { takesPart, membership, servers } = await owners.roomIntake.getStanding({ roomId, userId: target });
  if (takesPart || servers.length === 0 || (membership !== 'invite' && membership !== 'knock')) return false;
  try {
    await untilDone(() => owners.remoteRooms.leaveRoom({ roomId, userId: target, contentJson }));
    return true;
  } catch (error) {
    if (isMatrixError(error)) return false;
    throw error;
  }
}

async function inviteRemotely(owners: Owners, change: MembershipChange): Promise<boolean> {
  if (owners.isOurs(domainOf(change.target))) return false;
  await inviteElsewhere(owners, change);
  return true;
}

/**
 * Invites a user of another server, which has to sign the invite. The id of the event.
 *
 * @throws MatrixError as their server refuses, M_FORBIDDEN when the sender may not invite
 */
export async function inviteElsewhere(
  { remoteRooms }: Owners,
  { roomId, sender, target, contentJson }: Pick<MembershipChange, 'roomId' | 'sender' | 'target' | 'contentJson'>,
): Promise<string> {
  const { eventId } = await untilDone(() => remoteRooms.inviteUser({ roomId, sender, target, contentJson }));
  return eventId ?? '';
}

/** What an identity server has signed for a user who was invited by their address. */
export interface SignedInvite {
  readonly sender: string;
  readonly mxid: string;
  readonly token: string;
  readonly signatures: JsonObject;
}

/**
 * Makes an invite of the user out of the invite of their address, unless they are in the room or invited to it as it is.
 *
 * @throws MatrixError M_FORBIDDEN when it is not for them or the room does not know of it, and as the inviting server refuses
 * @see https://spec.matrix.org/v1.19/client-server-api/#third-party-invites
 */
export async function claimInvite(owners: Owners, roomId: string, userId: string, signed: SignedInvite): Promise<void> {
  if (signed.mxid !== userId) {
    throw new MatrixError(403, 'M_FORBIDDEN', 'third_party_signed is signed for another user');
  }
  const { membership } = await owners.roomIntake.getStanding({ roomId, userId });
  if (membership === 'join' || membership === 'invite') return;
  const claimed = { roomId, userId, sender: signed.sender, signedJson: JSON.stringify(signed) };
  try {
    await untilDone(() => owners.remoteRooms.claimInvite(claimed));
  } catch (error) {
    // A federation-api of the release before claims nothing; the room may be open to them as it is.
    if (!isUnknownCall(error)) throw error;
  }
}

async function untilDone(ask: () => Promise<RemoteRoomResponse>): Promise<RemoteRoomResponse> {
  const deadline = Date.now() + LONGEST_MS;
  while (Date.now() < deadline) {
    const answer = await ask();
    if (!answer.pending) return answer;
  }
  throw new MatrixError(504, 'M_UNKNOWN', 'The other server takes too long; it may still be done, please try again');
}
