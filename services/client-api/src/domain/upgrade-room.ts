import { isMatrixError, MatrixError } from '@ganglion/contracts';
import {
  domainOf,
  type JsonObject,
  type Pdu,
  powerLevelsOf,
  type RoomEvent,
  roomVersionRules,
} from '@ganglion/protocol';
import type { Owners } from './ports.js';
import { profileContent } from './profile-content.js';
import { contentOf, type OldRoom, replacementEvents, restrictedLevels } from './replacement-room.js';
import { readPdus } from './room-state.js';

export interface UpgradeRequest {
  readonly roomId: string;
  readonly userId: string;
  readonly newVersion: string;
  readonly additionalCreators: readonly string[];
}

const REPLACED = 'This room has been replaced';

/**
 * Replaces a room by a new one of another version, which gets what can be carried over. Of what comes after the new room is
 * made, a part may be missing when the server dies in between: asking again makes another one, which the aliases lead to then.
 *
 * @throws MatrixError M_UNSUPPORTED_ROOM_VERSION, M_FORBIDDEN
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidupgrade
 */
export async function upgradeRoom(owners: Owners, request: UpgradeRequest): Promise<string> {
  const { roomId, userId, newVersion, additionalCreators } = request;
  const rules = roomVersionRules(newVersion);
  if (rules === undefined) {
    throw new MatrixError(400, 'M_UNSUPPORTED_ROOM_VERSION', `Room version ${newVersion} is not supported`);
  }
  const old = await readOldRoom(owners, request);
  const { blockedBy } = await owners.roomBlocks.getRoomBlocked({ roomId });
  if (blockedBy !== undefined) {
    throw new MatrixError(403, 'M_FORBIDDEN', 'This room is blocked by the administrators of this server');
  }
  const profile = await profileContent(owners, userId);
  const events = replacementEvents(old, { creator: userId, profile, rules, additionalCreators });
  const { roomId: replacement } = await owners.rooms.createRoom({
    ...{ roomVersion: newVersion, creator: userId, alias: undefined, published: false },
    events: events.map(({ type, stateKey, content }) => ({ type, stateKey, contentJson: JSON.stringify(content) })),
  });
  await moveAliases(owners, request, old, replacement);
  const tombstone = { body: REPLACED, replacement_room: replacement };
  await send(owners, roomId, userId, 'm.room.tombstone', tombstone);
  await ifAllowed(() => send(owners, roomId, userId, 'm.room.power_levels', restrictedLevels(old)));
  return replacement;
}

/** @throws MatrixError M_FORBIDDEN for who may not send m.room.tombstone */
async function readOldRoom(owners: Owners, { roomId, userId }: UpgradeRequest): Promise<OldRoom> {
  const { events, roomVersion } = await readPdus(owners, { roomId, userId });
  const state = events.map(({ pduJson }) => JSON.parse(pduJson) as Pdu);
  const rules = roomVersionRules(roomVersion)!;
  const isJoined = state.some(
    ({ type, state_key, content }) => type === 'm.room.member' && state_key === userId && content.membership === 'join',
  );
  const levels = powerLevelsOf(lookUp(events, state, roomId), rules);
  if (!isJoined || levels.forUser(userId) < levels.forEvent('m.room.tombstone', true)) {
    throw new MatrixError(403, 'M_FORBIDDEN', `${userId} may not replace the room`);
  }
  return { roomId, state, lastEventId: await lastEventOf(owners, roomId, userId) };
}

/** Of several that nothing follows yet, any is as good as the others. */
async function lastEventOf({ roomIntake }: Owners, roomId: string, userId: string): Promise<string | undefined> {
  const { rooms } = await roomIntake.describeRooms({ roomIds: [roomId], serverName: domainOf(userId) });
  return rooms[0]?.forwardExtremityIds.at(-1);
}

function lookUp(events: readonly { readonly eventId: string }[], state: readonly Pdu[], roomId: string) {
  return (type: string, stateKey: string): RoomEvent | undefined => {
    const index = state.findIndex((pdu) => pdu.type === type && pdu.state_key === stateKey);
    const pdu = state[index];
    return pdu && { eventId: events[index]!.eventId, roomId, pdu, rejected: false };
  };
}

/**
 * Our aliases that lead to the old room lead to the new one then, and it is called by the same. Those of other servers, and
 * such as have been deleted, do not lead to the new room.
 */
async function moveAliases(owners: Owners, { roomId, userId }: UpgradeRequest, old: OldRoom, replacement: string) {
  await ifAllowed(async () => {
    const { aliases } = await owners.roomSummaries.moveAliases({ roomId, replacementRoomId: replacement, userId });
    const canonical = contentOf(old, 'm.room.canonical_alias');
    if (canonical.alias === undefined && canonical.alt_aliases === undefined) return;
    const moved = movedAliases(canonical, new Set(aliases));
    if (moved !== undefined) await send(owners, replacement, userId, 'm.room.canonical_alias', moved);
    await send(owners, roomId, userId, 'm.room.canonical_alias', {});
  });
}

/** What is left of an m.room.canonical_alias; undefined when that names no alias. */
function movedAliases(
  { alias, alt_aliases: others, ...rest }: JsonObject,
  aliases: ReadonlySet<unknown>,
): JsonObject | undefined {
  const kept = Array.isArray(others) ? others.filter((other) => aliases.has(other)) : [];
  const isKept = alias !== undefined && aliases.has(alias);
  if (!isKept && kept.length === 0) return undefined;
  return { ...rest, ...(isKept && { alias }), ...(kept.length > 0 && { alt_aliases: kept }) };
}

/** What somebody may not do who may replace the room is left as it is. */
async function ifAllowed(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!isMatrixError(error) || error.status >= 500) throw error;
  }
}

async function send({ rooms }: Owners, roomId: string, sender: string, type: string, content: JsonObject) {
  await rooms.sendEvent({ roomId, sender, event: { type, stateKey: '', contentJson: JSON.stringify(content) } });
}
