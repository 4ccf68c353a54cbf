import { isMatrixError, MatrixError } from '@ganglion/contracts';
import { MembershipAction } from '@ganglion/contracts/room';
import { domainOf, isValidRoomAlias, isValidUserId, type JsonObject, roomVersionRules } from '@ganglion/protocol';
import { type InvitedAddress, inviteToNewRoom, lookUpAll } from './address-invites.js';
import { checkMayInvite } from './invite-permission.js';
import { changeMembership } from './membership.js';
import { type InitialEvent, newRoomEvents } from './new-room-events.js';
import type { Owners } from './ports.js';
import { profileContent } from './profile-content.js';
import { PRESETS, type RoomPreset } from './room-preset.js';

/** A parsed createRoom request. */
export interface CreateRoomRequest {
  readonly creator: string;
  readonly roomVersion: string;
  readonly visibility: 'public' | 'private';
  readonly preset: RoomPreset | undefined;
  readonly aliasLocalpart: string | undefined;
  readonly name: string | undefined;
  readonly topic: string | undefined;
  readonly invitees: readonly string[];
  readonly invitedAddresses: readonly InvitedAddress[];
  readonly creationContent: JsonObject;
  readonly initialState: readonly InitialEvent[];
  readonly powerLevelOverride: JsonObject;
  readonly isDirect: boolean;
}

/**
 * Creates a room and invites people to it, all or nothing.
 *
 * @throws MatrixError M_UNSUPPORTED_ROOM_VERSION, M_ROOM_IN_USE, M_INVALID_ROOM_STATE, M_INVALID_PARAM
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom
 */
export async function createRoom(owners: Owners, request: CreateRoomRequest): Promise<string> {
  const { creator, roomVersion, visibility } = request;
  const rules = roomVersionRules(roomVersion);
  if (rules === undefined) {
    throw new MatrixError(400, 'M_UNSUPPORTED_ROOM_VERSION', `Room version ${roomVersion} is not supported`);
  }
  const alias = aliasOf(request);
  const addresses = await lookUpAll(owners, request.invitedAddresses);
  const invited = new Set([...invitedBy(request), ...addresses.users]);
  await Promise.all([...invited].map((invitee) => checkMayInvite(owners, creator, invitee)));
  const preset = PRESETS[request.preset ?? (visibility === 'public' ? 'public_chat' : 'private_chat')];
  const profile = await profileContent(owners, creator);
  const elsewhere = request.initialState.filter((event) => isInviteElsewhere(owners, event));
  const initialState = request.initialState.filter((event) => !elsewhere.includes(event));
  const known = addresses.users.filter((userId) => userId !== creator && !invitedBy(request).includes(userId));
  const invitees = [...request.invitees, ...known];
  const own = newRoomEvents({ ...request, invitees, initialState, rules, preset, alias, profile });
  const events = [...own, ...(await invites(owners, { ...request, invitees }))];
  const { roomId } = await owners.rooms.createRoom({
    roomVersion,
    creator,
    alias,
    published: visibility === 'public',
    events: events.map(({ type, stateKey, content }) => ({ type, stateKey, contentJson: JSON.stringify(content) })),
  });
  await inviteOthers(owners, { ...request, invitees }, roomId, elsewhere);
  await inviteToNewRoom(owners, roomId, creator, addresses.others);
  return roomId;
}

function isInviteElsewhere(owners: Owners, { type, stateKey, content }: InitialEvent): boolean {
  if (type !== 'm.room.member' || content.membership !== 'invite') return false;
  return isValidUserId(stateKey) && !owners.isOurs(domainOf(stateKey));
}

/** All whom the room is to invite, whichever way. */
function invitedBy({ invitees, initialState }: CreateRoomRequest): string[] {
  const byState = initialState.filter(
    ({ type, content }) => type === 'm.room.member' && content.membership === 'invite',
  );
  return [...new Set([...invitees, ...byState.map(({ stateKey }) => stateKey)])].filter(isValidUserId);
}

/** Users of other servers are invited once there is a room; that one of these servers does not answer undoes nothing. */
async function inviteOthers(
  owners: Owners,
  { creator, invitees, isDirect }: CreateRoomRequest,
  roomId: string,
  byState: readonly InitialEvent[],
): Promise<void> {
  const contents = new Map(byState.map(({ stateKey, content }) => [stateKey, content]));
  for (const invitee of invitees) {
    if (!owners.isOurs(domainOf(invitee))) contents.set(invitee, isDirect ? { is_direct: true } : {});
  }
  const invite = ([target, content]: [string, JsonObject]) =>
    changeMembership(owners, {
      ...{ roomId, sender: creator, target, action: MembershipAction.INVITE, reason: undefined, content },
    }).catch((error: unknown) => {
      if (!isMatrixError(error)) throw error;
    });
  await Promise.all([...contents].map(invite));
}

function aliasOf({ aliasLocalpart, creator }: CreateRoomRequest): string | undefined {
  if (aliasLocalpart === undefined) return undefined;
  const alias = `#${aliasLocalpart}:${domainOf(creator)}`;
  if (aliasLocalpart.includes(':') || !isValidRoomAlias(alias)) {
    throw new MatrixError(400, 'M_INVALID_PARAM', 'room_alias_name is not the local part of a room alias');
  }
  return alias;
}

/** What the room invites people with, each of them once. */
async function invites(owners: Owners, { invitees, isDirect }: CreateRoomRequest): Promise<InitialEvent[]> {
  const invite = async (target: string): Promise<InitialEvent> => {
    const profile = await profileContent(owners, target);
    const content = { ...profile, ...(isDirect && { is_direct: true }), membership: 'invite' };
    return { type: 'm.room.member', stateKey: target, content };
  };
  return Promise.all([...new Set(invitees)].filter((invitee) => owners.isOurs(domainOf(invitee))).map(invite));
}
