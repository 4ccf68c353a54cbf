import { isJsonObject, type JsonObject, type Pdu, type RoomVersionRules } from '@ganglion/protocol';
import type { InitialEvent } from './new-room-events.js';

/** A room that is to be replaced. */
export interface OldRoom {
  readonly roomId: string;
  readonly state: readonly Pdu[];
  /** The last event that is known of it, if one is. */
  readonly lastEventId: string | undefined;
}

export interface Replacement {
  readonly creator: string;
  readonly profile: JsonObject;
  readonly rules: RoomVersionRules;
  readonly additionalCreators: readonly string[];
}

/** What is carried over as the specification recommends, and what says how a space is made up. */
const CARRIED = new Set([
  'm.room.server_acl',
  'm.room.encryption',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.guest_access',
  'm.room.history_visibility',
  'm.room.join_rules',
]);
const CREATOR_LEVEL = 100;
const RESTRICTED_LEVEL = 50;

/**
 * The first events of a room that replaces another. Power levels come last: until then its creator may do everything,
 * whatever their level was.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
 */
export function replacementEvents(old: OldRoom, replacement: Replacement): InitialEvent[] {
  const { creator, profile } = replacement;
  const isSpace = contentOf(old, 'm.room.create').type === 'm.space';
  const carried = old.state.filter((event) => isCarried(event, isSpace));
  const levels = powerLevels(old, replacement);
  return [
    { type: 'm.room.create', stateKey: '', content: createContent(old, replacement) },
    { type: 'm.room.member', stateKey: creator, content: { ...profile, membership: 'join' } },
    ...carried.map(({ type, state_key = '', content }) => ({ type, stateKey: state_key, content })),
    { type: 'm.room.power_levels', stateKey: '', content: levels },
  ];
}

/** Who was banned stays so; a space keeps its rooms. */
function isCarried({ type, state_key: stateKey, content }: Pdu, isSpace: boolean): boolean {
  if (type === 'm.room.member') return content.membership === 'ban';
  if (type === 'm.space.child') return isSpace && Array.isArray(content.via);
  return stateKey === '' && CARRIED.has(type);
}

function createContent(old: OldRoom, { creator, rules, additionalCreators }: Replacement): JsonObject {
  const { type, 'm.federate': federate } = contentOf(old, 'm.room.create');
  const others = additionalCreators.filter((userId) => userId !== creator);
  return {
    ...(type !== undefined && { type }),
    ...(federate !== undefined && { 'm.federate': federate }),
    ...(!rules.implicitCreator && { creator }),
    ...(rules.privilegedCreators && others.length > 0 && { additional_creators: [...new Set(others)] }),
    predecessor: {
      room_id: old.roomId,
      ...(!rules.privilegedCreators && old.lastEventId !== undefined && { event_id: old.lastEventId }),
    },
    room_version: rules.id,
  };
}

/** Creators of version 12 stand above all levels and must not be named among them; before, they have to be. */
function powerLevels(old: OldRoom, { creator, rules, additionalCreators }: Replacement): JsonObject {
  const levels = contentOf(old, 'm.room.power_levels');
  const users = new Map(Object.entries(isJsonObject(levels.users) ? levels.users : {}));
  if (rules.privilegedCreators) for (const userId of [creator, ...additionalCreators]) users.delete(userId);
  else if (!users.has(creator)) users.set(creator, CREATOR_LEVEL);
  return { ...levels, users: Object.fromEntries(users) };
}

/** Power levels that keep all but moderators from sending to the old room and from inviting to it. */
export function restrictedLevels(old: OldRoom): JsonObject {
  const levels = contentOf(old, 'm.room.power_levels');
  const usersDefault = typeof levels.users_default === 'number' ? levels.users_default : 0;
  const level = Math.max(RESTRICTED_LEVEL, usersDefault + 1);
  return { ...levels, events_default: level, invite: level };
}

export function contentOf({ state }: OldRoom, type: string): JsonObject {
  return state.find((event) => event.type === type && event.state_key === '')?.content ?? {};
}
