import { type JsonObject, roomVersionRules } from '@ganglion/protocol';
import { newRoomEvents, type RoomWish } from '../src/domain/new-room-events.js';
import { PRESETS, type RoomPreset } from '../src/domain/room-preset.js';

const ALICE = '@alice:example.org';
const BOB = '@bob:example.org';

function wish(version: string, changes: Partial<RoomWish> = {}): RoomWish {
  return {
    creator: ALICE,
    profile: { displayname: 'Alice' },
    rules: roomVersionRules(version)!,
    preset: PRESETS.private_chat,
    creationContent: {},
    powerLevelOverride: {},
    initialState: [],
    invitees: [],
    alias: undefined,
    name: undefined,
    topic: undefined,
    ...changes,
  };
}

function contentOf(room: RoomWish, type: string): JsonObject | undefined {
  return newRoomEvents(room).find((event) => event.type === type)?.content;
}

it('a room begins with its creation, its creator and their power, and ends with its name and topic', () => {
  const types = newRoomEvents(wish('12', { alias: '#a:example.org', name: 'A', topic: 'B' })).map(({ type }) => type);
  expect(types).toEqual([
    'm.room.create',
    'm.room.member',
    'm.room.power_levels',
    'm.room.canonical_alias',
    'm.room.join_rules',
    'm.room.history_visibility',
    'm.room.guest_access',
    'm.room.name',
    'm.room.topic',
  ]);
});

const PRESET_TABLE: readonly [RoomPreset, string, string, string | undefined, number][] = [
  ['private_chat', 'invite', 'shared', 'can_join', 0],
  ['trusted_private_chat', 'invite', 'shared', 'can_join', 0],
  ['public_chat', 'public', 'shared', undefined, 50],
];

it.each(PRESET_TABLE)(
  '%s: join %s, history %s, guests %s, inviting needs %i',
  (preset, join, history, guests, invite) => {
    const room = wish('11', { preset: PRESETS[preset] });
    expect(contentOf(room, 'm.room.join_rules')).toEqual({ join_rule: join });
    expect(contentOf(room, 'm.room.history_visibility')).toEqual({ history_visibility: history });
    expect(contentOf(room, 'm.room.guest_access')?.guest_access).toBe(guests);
    expect(contentOf(room, 'm.room.power_levels')?.invite).toBe(invite);
  },
);

it('the creator is named in the content up to version 10, and in the power levels up to version 11', () => {
  expect(contentOf(wish('10'), 'm.room.create')).toEqual({ creator: ALICE, room_version: '10' });
  expect(contentOf(wish('11'), 'm.room.create')).toEqual({ room_version: '11' });
  expect(contentOf(wish('11'), 'm.room.power_levels')?.users).toEqual({ [ALICE]: 100 });
  expect(contentOf(wish('12'), 'm.room.power_levels')?.users).toEqual({});
});

it('who is trusted gets the power of the creator: a level up to version 11, a place beside them in version 12', () => {
  const trusting = { preset: PRESETS.trusted_private_chat, invitees: [BOB] };
  expect(contentOf(wish('11', trusting), 'm.room.power_levels')?.users).toEqual({ [ALICE]: 100, [BOB]: 100 });
  expect(contentOf(wish('12', trusting), 'm.room.create')?.additional_creators).toEqual([BOB]);
  expect(contentOf(wish('12', trusting), 'm.room.power_levels')?.users).toEqual({});
});

it('state that the client brings takes the place of the preset', () => {
  const own = { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'knock' } };
  const events = newRoomEvents(wish('12', { initialState: [own] })).filter(({ type }) => type === own.type);
  expect(events).toEqual([own]);
});

it('overridden power levels leave the others as they are', () => {
  const levels = contentOf(wish('11', { powerLevelOverride: { events_default: 50 } }), 'm.room.power_levels');
  expect(levels).toMatchObject({ events_default: 50, state_default: 50, users: { [ALICE]: 100 } });
});

it('a client cannot make somebody else the creator, nor choose the version by the content', () => {
  const content = contentOf(
    wish('10', { creationContent: { creator: BOB, room_version: '1', 'm.federate': false } }),
    'm.room.create',
  );
  expect(content).toEqual({ creator: ALICE, room_version: '10', 'm.federate': false });
});
