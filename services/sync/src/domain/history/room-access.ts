import { MatrixError } from '@ganglion/contracts';
import { parseHistoryVisibility } from '@ganglion/protocol';
import { contentText } from '../event-text.js';
import type { ReadModel, RoomRecord } from '../ports/read-model.js';
import type { EventTexts } from '../texts/event-texts.js';
import type { ErasedUsers } from '../views/erased-users.js';
import type { UserViews } from '../views/user-views.js';
import { type MembershipHistories, membershipsIn } from './membership-histories.js';
import type { MembershipHistory } from './visibility.js';

/** A room as far as one user may look into it. */
export interface RoomAccess {
  readonly room: RoomRecord;
  readonly history: MembershipHistory;
  /** Nothing above this position is the user's to see. */
  readonly upTo: number;
  /** Nor is the room's state above this one. */
  readonly stateUpTo: number;
  /** Whether what comes next will be theirs to see. */
  readonly goesOn: boolean;
  /** Users who were erased, whoever they are. */
  readonly erased: ReadonlySet<string>;
}

interface Readers {
  readonly model: ReadModel;
  readonly texts: EventTexts;
}

export interface AccessReaders extends Readers {
  readonly erased: Pick<ErasedUsers, 'known'>;
  readonly users: Pick<UserViews, 'get' | 'membershipIn'>;
  readonly histories: Pick<MembershipHistories, 'of'>;
}

/**
 * What a user may see of a room: all of it while they are in it or the world may read it, what came before their leaving when
 * they were in it.
 *
 * @throws MatrixError M_FORBIDDEN, also for rooms that do not exist: nobody learns which rooms do
 */
export async function accessRoom(
  readers: AccessReaders,
  roomId: string,
  userId: string,
  upTo: number,
): Promise<RoomAccess> {
  const { model } = readers;
  const { room, history } = (await asMember(readers, roomId, userId, upTo)) ?? (await lookUp(model, roomId, userId));
  const leftAt = history.leftAt;
  const erased = await readers.erased.known();
  const all = { room, history, upTo, stateUpTo: upTo, goesOn: true, erased };
  if (history.everJoined && leftAt === undefined) return all;
  if (await isWorldReadable(readers, room, upTo)) return all;
  if (!history.everJoined || (await isForgotten(model, userId, room.nid, leftAt))) throw notInRoom(userId);
  const until = (position = upTo) => Math.min(upTo, position);
  return { ...all, upTo: until(leftAt), stateUpTo: until(history.departedAt), goesOn: false };
}

/** Of those who are in a room this replica knows that, and what they were there before; undefined for others. */
async function asMember({ users, histories }: AccessReaders, roomId: string, userId: string, upTo: number) {
  const membership = users.membershipIn(await users.get(userId), roomId);
  if (membership?.membership !== 'join' || membership.position > upTo) return undefined;
  return { room: membership.room.record, history: await histories.of(userId, membership) };
}

async function lookUp(model: ReadModel, roomId: string, userId: string) {
  const room = await model.findRoom(roomId);
  if (room === undefined) throw notInRoom(userId);
  return { room, history: await membershipsIn(model, room.nid, userId) };
}

/** Whether everybody may read a room as it is at a position. */
export async function isWorldReadable({ model, texts }: Readers, room: RoomRecord, at: number): Promise<boolean> {
  const names = [{ type: 'm.room.history_visibility', stateKey: '' }];
  const versions = await model.entryVersions({ roomNid: room.nid, names, from: at });
  const nid = versions.findLast(({ position }) => position <= at)?.eventNid;
  const text = nid === undefined ? undefined : (await texts.load(room, [nid])).get(nid);
  return text !== undefined && parseHistoryVisibility(JSON.parse(contentText(text))) === 'world_readable';
}

/** Whether a user has forgotten a room that they left at a position. */
export async function isForgotten(model: ReadModel, userId: string, roomNid: number, leftAt = 0): Promise<boolean> {
  return ((await model.forgotten(userId)).get(roomNid) ?? 0) >= leftAt;
}

/**
 * Forgets a room that the user has left.
 *
 * @throws MatrixError M_UNKNOWN (400) while they are in it, or when they never were
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidforget
 */
export async function forgetRoom(model: ReadModel, roomId: string, userId: string): Promise<void> {
  const memberships = await model.memberships(userId);
  const own = memberships.find((membership) => membership.roomId === roomId);
  if (own === undefined || !['leave', 'ban'].includes(own.membership)) {
    throw new MatrixError(400, 'M_UNKNOWN', 'Only a room that you have left can be forgotten');
  }
  await model.forget(userId, own.nid, own.membershipPosition);
}

function notInRoom(userId: string): MatrixError {
  return new MatrixError(403, 'M_FORBIDDEN', `${userId} is not in the room`);
}
