import type { JsonObject, RoomVersionRules } from '@ganglion/protocol';
import { initialPowerLevels, type PresetRules } from './room-preset.js';

export interface InitialEvent {
  readonly type: string;
  readonly stateKey: string;
  readonly content: JsonObject;
}

/** What somebody wants a new room to be. */
export interface RoomWish {
  readonly creator: string;
  readonly profile: JsonObject;
  readonly rules: RoomVersionRules;
  readonly preset: PresetRules;
  readonly creationContent: JsonObject;
  readonly powerLevelOverride: JsonObject;
  readonly initialState: readonly InitialEvent[];
  readonly invitees: readonly string[];
  readonly alias: string | undefined;
  readonly name: string | undefined;
  readonly topic: string | undefined;
}

const CREATOR_LEVEL = 100;

/**
 * The first events of a room, in the order that the specification gives them. State that the client names itself takes
 * the place of the preset's.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom
 */
export function newRoomEvents(wish: RoomWish): InitialEvent[] {
  const own = new Set(wish.initialState.map(({ type, stateKey }) => `${type} ${stateKey}`));
  const presets = presetEvents(wish).filter(({ type }) => !own.has(`${type} `));
  return [
    state('m.room.create', createContent(wish)),
    { type: 'm.room.member', stateKey: wish.creator, content: { ...wish.profile, membership: 'join' } },
    state('m.room.power_levels', powerLevels(wish)),
    ...(wish.alias === undefined ? [] : [state('m.room.canonical_alias', { alias: wish.alias })]),
    ...presets,
    ...wish.initialState.filter(({ type }) => type !== 'm.room.power_levels'),
    ...(wish.name === undefined ? [] : [state('m.room.name', { name: wish.name })]),
    ...(wish.topic === undefined ? [] : [state('m.room.topic', topicContent(wish.topic))]),
  ];
}

function state(type: string, content: JsonObject): InitialEvent {
  return { type, stateKey: '', content };
}

function createContent({ creationContent, creator, rules, preset, invitees }: RoomWish): JsonObject {
  const { creator: _, additional_creators: additional, ...content } = creationContent;
  const trusted = preset.trustsInvitees ? invitees : [];
  const others = [...new Set([...(Array.isArray(additional) ? additional : []), ...trusted])];
  const wellFormed = additional === undefined || Array.isArray(additional);
  return {
    ...content,
    ...(!rules.implicitCreator && { creator }),
    ...(rules.privilegedCreators && !wellFormed && { additional_creators: additional }),
    ...(rules.privilegedCreators && wellFormed && others.length > 0 && { additional_creators: others }),
    room_version: rules.id,
  };
}

/** Creators of version 12 stand above all levels and must not be named among them. */
function powerLevels(wish: RoomWish): JsonObject {
  const { rules, preset, creator, invitees, powerLevelOverride, initialState } = wish;
  const given = initialState.find(({ type, stateKey }) => type === 'm.room.power_levels' && stateKey === '');
  if (given !== undefined) return { ...given.content, ...powerLevelOverride };
  const people = [creator, ...(preset.trustsInvitees ? invitees : [])];
  const users = rules.privilegedCreators ? {} : Object.fromEntries(people.map((userId) => [userId, CREATOR_LEVEL]));
  const tombstone = rules.privilegedCreators ? 150 : 100;
  return { ...initialPowerLevels(preset, users, tombstone), ...powerLevelOverride };
}

function presetEvents({ preset }: RoomWish): InitialEvent[] {
  const guestAccess = { guest_access: preset.guestAccess };
  return [
    state('m.room.join_rules', { join_rule: preset.joinRule }),
    state('m.room.history_visibility', { history_visibility: preset.historyVisibility }),
    // Without the event, no guest may join.
    ...(preset.guestAccess === 'can_join' ? [state('m.room.guest_access', guestAccess)] : []),
  ];
}

function topicContent(topic: string): JsonObject {
  return { topic, 'm.topic': { 'm.text': [{ mimetype: 'text/plain', body: topic }] } };
}
