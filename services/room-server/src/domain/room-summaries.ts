import { isJsonObject, isValidRoomId, type JsonObject, roomsThatMayJoin, roomVersionRules } from '@ganglion/protocol';
import { publicRoomSummary } from './directory.js';
import type { SummarySource } from './ports/summaries.js';

/** A room with the parts of its state that it is shown by. */
export interface SummarisedRoom {
  readonly roomId: string;
  readonly roomVersion: string;
  readonly membership: string | undefined;
  readonly members: number;
  readonly state: readonly { readonly type: string; readonly content: JsonObject }[];
  /** Its m.space.child events as stripped state. */
  readonly children: readonly JsonObject[];
}

export interface SummaryReaders {
  readonly source: SummarySource;
  /** The rooms that a user has joined. */
  joinedRooms(userId: string): Promise<ReadonlySet<string>>;
}

const OPEN_RULES = new Set(['public', 'knock', 'knock_restricted']);

/**
 * Those of the rooms that may be shown to a user, in the order in which they were asked for: who is in it or invited may see
 * it, and everybody who could join it or knock.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy
 */
export async function shownRooms(readers: SummaryReaders, roomIds: readonly string[], userId: string) {
  const rooms = await readers.source.rooms(roomIds, userId);
  const byId = new Map(rooms.map((room) => [room.roomId, room]));
  let joined: Promise<ReadonlySet<string>> | undefined;
  const isIn = async (allowed: ReadonlySet<string>) => {
    joined ??= readers.joinedRooms(userId);
    const own = await joined;
    return [...allowed].some((roomId) => own.has(roomId));
  };
  const shown: SummarisedRoom[] = [];
  for (const roomId of roomIds) {
    const room = byId.get(roomId);
    if (room !== undefined && (await isShown(room, isIn))) shown.push(room);
  }
  return shown;
}

async function isShown(room: SummarisedRoom, isIn: (allowed: ReadonlySet<string>) => Promise<boolean>) {
  if (room.membership === 'join' || room.membership === 'invite') return true;
  if (OPEN_RULES.has(String(contentOf(room, 'm.room.join_rules').join_rule)) && room.membership !== 'ban') return true;
  if (contentOf(room, 'm.room.history_visibility').history_visibility === 'world_readable') return true;
  const allowed = allowedRooms(room);
  return room.membership !== 'ban' && allowed !== undefined && isIn(allowed);
}

/** What is known of another server in rooms of ours. */
export interface ServerInRooms {
  /** Those of the rooms in which it has joined users. */
  joined(roomIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Those of the rooms to which users of it are invited. */
  invited(roomIds: readonly string[]): Promise<ReadonlySet<string>>;
}

/**
 * Those of the rooms that may be shown to users of another server: some of them may see them.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid
 */
export async function shownToServer(rooms: readonly SummarisedRoom[], server: ServerInRooms) {
  const ids = rooms.map(({ roomId }) => roomId);
  const allowed = rooms.flatMap((room) => [...(allowedRooms(room) ?? [])]);
  const [joined, invited] = await Promise.all([server.joined([...ids, ...allowed]), server.invited(ids)]);
  return rooms.filter(
    (room) =>
      joined.has(room.roomId) ||
      invited.has(room.roomId) ||
      isOpen(room) ||
      [...(allowedRooms(room) ?? [])].some((roomId) => joined.has(roomId)),
  );
}

/** Whether everybody may see it. */
function isOpen(room: SummarisedRoom): boolean {
  if (OPEN_RULES.has(String(contentOf(room, 'm.room.join_rules').join_rule))) return true;
  return contentOf(room, 'm.room.history_visibility').history_visibility === 'world_readable';
}

/** What is shown of a room beside its id, version and the number of its members. */
export function summaryOf(room: SummarisedRoom): JsonObject {
  const allowed = allowedRooms(room);
  return { ...publicRoomSummary(room.state), ...(allowed !== undefined && { allowed_room_ids: [...allowed] }) };
}

/** The children of a space: those without a server to ask have been taken out again. */
export function childrenOf(room: SummarisedRoom): JsonObject[] {
  if (contentOf(room, 'm.room.create').type !== 'm.space') return [];
  return room.children.filter(({ state_key, content }) => {
    const via = isJsonObject(content) ? content.via : undefined;
    return typeof state_key === 'string' && isValidRoomId(state_key) && Array.isArray(via) && via.length > 0;
  });
}

function allowedRooms(room: SummarisedRoom): ReadonlySet<string> | undefined {
  const rules = roomVersionRules(room.roomVersion);
  return rules && roomsThatMayJoin(contentOf(room, 'm.room.join_rules'), rules);
}

function contentOf({ state }: SummarisedRoom, type: string): JsonObject {
  const content = state.find((event) => event.type === type)?.content;
  return isJsonObject(content) ? content : {};
}
