import { MatrixError } from '@ganglion/contracts';
import { isJsonObject, type JsonObject, powerLevelsOf } from '@ganglion/protocol';
import type { RoomStore } from './ports/rooms.js';
import type { RoomHead } from './room-head.js';

/** What the directory needs of its tables. */
export interface Directory {
  resolve(alias: string): Promise<{ roomId: string; creator: string } | undefined>;
  deleteAlias(alias: string): Promise<void>;
}

/** A room as it is now with one of its users, for rules that look at more than one part of its state. */
export async function loadRoom(store: RoomStore, roomId: string, userId: string): Promise<RoomHead> {
  const head = await store.loadHead(roomId);
  if (head === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such room');
  await store.load(head, [{ type: 'm.room.member', stateKey: userId }]);
  return head;
}

/**
 * Whether a user may change what others see of the room: whoever may set its canonical alias.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3directoryroomroomalias
 */
export function mayManageAliases(head: RoomHead, userId: string): boolean {
  if (head.membership(userId) !== 'join') return false;
  const levels = powerLevelsOf((type, stateKey) => head.event(type, stateKey), head.rules);
  return levels.forUser(userId) >= levels.forEvent('m.room.canonical_alias', true);
}

/**
 * Deletes an alias, as its creator or with the power to manage the room's aliases.
 *
 * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN
 */
export async function deleteAlias(directory: Directory, store: RoomStore, alias: string, userId: string) {
  const target = await directory.resolve(alias);
  if (target === undefined) throw new MatrixError(404, 'M_NOT_FOUND', `There is no alias ${alias}`);
  if (target.creator !== userId && !mayManageAliases(await loadRoom(store, target.roomId, userId), userId)) {
    throw new MatrixError(403, 'M_FORBIDDEN', `${userId} may not delete ${alias}`);
  }
  await directory.deleteAlias(alias);
  return target.roomId;
}

/** The content for m.room.canonical_alias after an alias of the room was deleted; undefined when it does not name it. */
export function canonicalAliasWithout(content: JsonObject | undefined, alias: string): JsonObject | undefined {
  if (content === undefined) return undefined;
  const others = Array.isArray(content.alt_aliases) ? content.alt_aliases : [];
  if (content.alias !== alias && !others.includes(alias)) return undefined;
  const { alias: canonical, ...rest } = content;
  const kept = others.filter((other) => other !== alias);
  return {
    ...rest,
    ...(canonical !== alias && { alias: canonical }),
    ...('alt_aliases' in content && { alt_aliases: kept }),
  };
}

/** The keys of a PublicRoomsChunk that a room's state gives. */
export function publicRoomSummary(state: readonly { type: string; content: Record<string, unknown> }[]): JsonObject {
  const of = (type: string, key: string) => {
    const value = state.find((event) => event.type === type)?.content?.[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  return {
    name: of('m.room.name', 'name'),
    topic:
      plainTopic(state.find(({ type }) => type === 'm.room.topic')?.content['m.topic']) ?? of('m.room.topic', 'topic'),
    avatar_url: of('m.room.avatar', 'url'),
    canonical_alias: of('m.room.canonical_alias', 'alias'),
    join_rule: of('m.room.join_rules', 'join_rule') ?? 'invite',
    room_type: of('m.room.create', 'type'),
    encryption: of('m.room.encryption', 'algorithm'),
    world_readable: of('m.room.history_visibility', 'history_visibility') === 'world_readable',
    guest_can_join: of('m.room.guest_access', 'guest_access') === 'can_join',
  };
}

/** The plain text of an `m.topic`, where there is one. @see https://spec.matrix.org/v1.19/client-server-api/#mroomtopic */
function plainTopic(topic: unknown): string | undefined {
  const texts = isJsonObject(topic) && Array.isArray(topic['m.text']) ? topic['m.text'] : [];
  const plain = texts.filter(isJsonObject).find(({ mimetype }) => mimetype === undefined || mimetype === 'text/plain');
  return typeof plain?.body === 'string' && plain.body !== '' ? plain.body : undefined;
}
