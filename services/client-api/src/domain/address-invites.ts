import { isMatrixError, MatrixError } from '@ganglion/contracts';
import { MembershipAction } from '@ganglion/contracts/room';
import { canonicalEmail, type JsonObject, powerLevelsOf, type RoomEvent, roomVersionRules } from '@ganglion/protocol';
import { changeMembership } from './membership.js';
import type { Address, IdentityAccount, Owners } from './ports.js';
import { profileContent } from './profile-content.js';

/** Somebody who is known by an address alone, and the identity server that may know more. */
export interface InvitedAddress {
  readonly address: Address;
  readonly account: IdentityAccount;
}

export interface AddressInvite extends InvitedAddress {
  readonly roomId: string;
  readonly sender: string;
  readonly reason: string | undefined;
}

/** What the identity server may tell of a room in its letter, by the names that it has for it. */
const TOLD = [
  ['m.room.canonical_alias', 'alias', 'room_alias'],
  ['m.room.avatar', 'url', 'room_avatar_url'],
  ['m.room.join_rules', 'join_rule', 'room_join_rules'],
  ['m.room.name', 'name', 'room_name'],
  ['m.room.create', 'type', 'room_type'],
] as const;

/**
 * Invites whoever has an address: the user that the identity server knows by it or, if there is none yet, whoever shows the identity
 * server that the address is theirs. Nothing is asked of the identity server in the name of who may not invite.
 *
 * @throws MatrixError M_FORBIDDEN, M_INVITE_BLOCKED, M_INVALID_PARAM, and what the identity server refuses with
 * @see https://spec.matrix.org/v1.19/client-server-api/#third-party-invites
 */
export async function inviteAddress(owners: Owners, invite: AddressInvite): Promise<void> {
  const { roomId, sender, reason, account } = invite;
  const address = canonical(invite.address);
  const about = await whatToTell(owners, roomId, sender);
  const target = await owners.addressBook.lookUp(account, address);
  if (target === undefined) return store(owners, { ...invite, address }, about);
  await changeMembership(owners, { roomId, sender, target, action: MembershipAction.INVITE, reason });
}

/** The users that identity servers know by these addresses, and the addresses that are nobody's yet. @throws MatrixError as they refuse */
export async function lookUpAll(owners: Owners, invited: readonly InvitedAddress[]) {
  const found = await Promise.all(
    invited.map(async ({ address, account }) => owners.addressBook.lookUp(account, canonical(address))),
  );
  return {
    users: [...new Set(found.filter((userId) => userId !== undefined))],
    others: invited.filter((_, index) => found[index] === undefined),
  };
}

/** As inviteAddress, of those whom nobody knows, to a room that is new: one that fails undoes nothing. */
export async function inviteToNewRoom(
  owners: Owners,
  roomId: string,
  sender: string,
  invited: readonly InvitedAddress[],
): Promise<void> {
  if (invited.length === 0) return;
  const unlessRefused = (error: unknown) => {
    if (!isMatrixError(error)) throw error;
    return undefined;
  };
  const about = await whatToTell(owners, roomId, sender).catch(unlessRefused);
  if (about === undefined) return;
  const invite = ({ address, account }: InvitedAddress) =>
    store(owners, { roomId, sender, account, address: canonical(address) }, about).catch(unlessRefused);
  await Promise.all(invited.map(invite));
}

/** Has the identity server write to the address, and lets the room know by which key whoever comes with it is known. */
async function store(
  owners: Owners,
  { roomId, sender, account, address }: Omit<AddressInvite, 'reason'>,
  about: JsonObject,
): Promise<void> {
  const { token, displayName, publicKeys } = await owners.addressBook.storeInvite(account, address, about);
  const content = { display_name: displayName, ...publicKeys[0], public_keys: publicKeys };
  await owners.rooms.sendEvent({
    ...{ roomId, sender, transaction: undefined, redacts: undefined, originServerTs: undefined },
    event: { type: 'm.room.third_party_invite', stateKey: token, contentJson: JSON.stringify(content) },
  });
}

/** @throws MatrixError M_FORBIDDEN for who may not invite */
async function whatToTell(owners: Owners, roomId: string, sender: string): Promise<JsonObject> {
  const state = await readState(owners, roomId, sender);
  const levels = powerLevelsOf(state.event, state.rules);
  const isJoined = state.event('m.room.member', sender)?.pdu.content.membership === 'join';
  if (!isJoined || levels.forUser(sender) < levels.invite) {
    throw new MatrixError(403, 'M_FORBIDDEN', `${sender} may not invite to the room`);
  }
  const { displayname, avatar_url } = await profileContent(owners, sender);
  const profile = { sender_display_name: displayname, sender_avatar_url: avatar_url };
  const room = TOLD.map(([type, key, name]) => [name, state.event(type, '')?.pdu.content[key]] as const);
  const told = [...Object.entries(profile), ...room].filter(([, value]) => typeof value === 'string');
  return { ...Object.fromEntries(told), room_id: roomId, sender };
}

async function readState({ roomReads }: Owners, roomId: string, userId: string) {
  const entries = [
    ...TOLD.map(([type]) => [type, ''] as const),
    ['m.room.power_levels', ''],
    ['m.room.member', userId],
  ];
  const answers = await Promise.all(
    entries.map(([type = '', stateKey = '']) => roomReads.getState({ roomId, userId, type, stateKey })),
  );
  const events = new Map<string, RoomEvent>();
  for (const { eventId, pduJson } of answers.flatMap((answer) => answer.events)) {
    const pdu = JSON.parse(pduJson) as RoomEvent['pdu'];
    events.set(`${pdu.type}\0${pdu.state_key}`, { eventId, roomId, pdu, rejected: false });
  }
  const rules = roomVersionRules(answers[0]?.roomVersion ?? '');
  if (rules === undefined) throw new Error(`room ${roomId} has an unknown version`);
  return { rules, event: (type: string, stateKey: string) => events.get(`${type}\0${stateKey}`) };
}

/** As it was bound. @throws MatrixError M_INVALID_PARAM */
function canonical({ medium, address }: Address): Address {
  if (medium !== 'email') return { medium, address };
  const email = canonicalEmail(address);
  if (email === undefined) throw new MatrixError(400, 'M_INVALID_PARAM', 'address is not an e-mail address');
  return { medium, address: email };
}
