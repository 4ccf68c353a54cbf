import type { JsonObject } from '../../src/index.js';
import type { AuthCase } from './check-auth.js';
import { ADMIN, CREATOR, create, LEVELS, MOD, powerLevels, ROOM, STRANGER, USER, USERS } from './room-builder.js';
import type { Cases, Rule } from './rule-table.js';

const PROPERTIES = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'] as const;
const HUGE = Number.MAX_SAFE_INTEGER;

/** The moderator, who has level 50, replaces power levels: each side is `LEVELS` with some changes. */
function change(current: JsonObject, next: JsonObject, sender = MOD): AuthCase {
  return { event: powerLevels({ ...LEVELS, ...next }, sender), given: [powerLevels({ ...LEVELS, ...current })] };
}

/** The same case for each of the properties that are a level themselves. */
function eachProperty(title: string, caseFor: (property: string) => AuthCase): Cases<AuthCase> {
  return Object.fromEntries(PROPERTIES.map((property) => [`${title}: ${property}`, caseFor(property)]));
}

/** A user without power may send power levels, as long as they have level 40. */
const byForty = { users: { ...USERS, [USER]: 40 }, events: { 'm.room.power_levels': 40 } };
const forty = (current: JsonObject, next: JsonObject): AuthCase => ({
  event: powerLevels({ ...byForty, ...next }, USER),
  given: [powerLevels({ ...byForty, ...current })],
});

/** m.room.power_levels. */
export const POWER_LEVEL_RULES: readonly Rule<AuthCase>[] = [
  {
    numbers: 'v1-9, v10-11 9.1, v12 10.1',
    rule: 'each level is an integer',
    allow: { 'an integer': change({ ban: 10 }, { ban: 11 }) },
    refuse: {
      ...eachProperty('an integer in a string', (property) => change({ [property]: 1 }, { [property]: '1' })),
      'an integer in a string with a sign, zeros and spaces': change({ ban: 10 }, { ban: ' +0010 ' }),
      'a float': change({ ban: 10 }, { ban: 10.9 }),
      'an integer below the least that all JSON can tell': change({}, { ban: -HUGE - 1 }),
    },
  },
  {
    numbers: 'v1-5 10.3.2, v6-9 9.3.2, v10-11 9.1, v12 10.1',
    rule: 'what is no level at all is refused as too high, or because it is no integer',
    refuse: {
      ...eachProperty('null', (property) => change({}, { [property]: null })),
      'words in a string': change({}, { ban: 'fifty' }),
      'a float in a string': change({}, { ban: '50.5' }),
      'nothing in a string': change({}, { ban: '' }),
      'two signs in a string': change({}, { ban: '+-5' }),
      'something after the integer': change({}, { ban: '5 0' }),
      'something before the integer': change({}, { ban: 'x5' }),
      'an object': change({}, { ban: {} }),
      'an integer above the greatest': change({}, { ban: HUGE + 1 }),
      infinity: change({}, { ban: Number.NEGATIVE_INFINITY }),
    },
  },
  {
    numbers: 'v1-9, v10-11 9.2, v12 10.2',
    rule: 'events is an object of integers',
    allow: { 'an object of integers': change({ events: { x: 1 } }, { events: { x: 2 } }) },
    refuse: { 'a level in a string': change({ events: { x: 1 } }, { events: { x: '1' } }) },
  },
  {
    numbers: 'v1-9, v10-11 9.2, v12 10.2',
    rule: 'notifications is an object of integers',
    refuse: { 'a level in a string': change({ notifications: { room: 1 } }, { notifications: { room: '1' } }) },
  },
  {
    numbers: 'v1-5 10.5.1, v6-9 9.5.1, v10-11 9.2, v12 10.2',
    rule: 'events that have no levels are refused as too high, or because they are no integers',
    refuse: {
      'an event without a level': change({}, { events: { x: null } }),
      'no object': change({}, { events: 'x' }),
      'a list': change({}, { events: [] }),
    },
  },
  {
    numbers: 'v1-5, v6-9 9.5.1, v10-11 9.2, v12 10.2',
    rule: 'notifications that have no levels are refused as too high, or because they are no integers',
    refuse: {
      'a notification without a level': change({}, { notifications: { x: null } }),
      'no object': change({}, { notifications: 1 }),
    },
  },
  {
    numbers: 'v1-5 10.1, v6-9 9.1, v10-11 9.3, v12 10.3',
    rule: 'users is an object of user ids and levels',
    allow: {
      'no users': { event: powerLevels({}, ADMIN), given: [powerLevels({ users: { [ADMIN]: 100 } })] },
      'user ids of old': change({}, { users: { ...USERS, '@Old User!:b.example': 1 } }),
    },
    refuse: {
      'users that are no object': change({}, { users: 1 }),
      'users that are a list': change({}, { users: [] }),
      'users that are null': change({}, { users: null }),
      'a key that is no user id': change({}, { users: { ...USERS, user: 1 } }),
      'a user id without a server': change({}, { users: { ...USERS, '@user': 1 } }),
      'a value that is no level': change({}, { users: { ...USERS, [USER]: 'one' } }),
      'a value that is null': change({}, { users: { ...USERS, [USER]: null } }),
    },
  },
  {
    numbers: 'v1-9, v10-11 9.3, v12 10.3',
    rule: 'from version 10 on a level of users is no string',
    refuse: { 'a level in a string': change({}, { users: { ...USERS, [USER]: ' 10 ' } }) },
  },
  {
    numbers: 'v1-11, v12 10.4',
    rule: 'creators are not in users',
    allow: { 'anybody else': change({}, { users: { ...USERS, [USER]: 10 } }) },
    refuse: {
      'the sender of m.room.create': change({}, { users: { ...USERS, [CREATOR]: 0 } }),
      'an additional creator': {
        event: powerLevels({ users: { ...USERS, [STRANGER]: 0 } }),
        given: [create({ additional_creators: [USER, STRANGER] })],
      },
      'a creator in the first power levels': {
        event: powerLevels({ users: { [CREATOR]: 100 } }, CREATOR),
        state: ROOM.filter((draft) => draft.type !== 'm.room.power_levels'),
      },
    },
  },
  {
    numbers: 'v1-5 10.2, v6-9 9.2, v10-11 9.4, v12 10.5',
    rule: 'the first power levels are as the sender likes',
    allow: {
      'levels above the sender’s': {
        event: powerLevels({ users: { [ADMIN]: 1000 }, ban: 1000 }, CREATOR),
        state: ROOM.filter((draft) => draft.type !== 'm.room.power_levels'),
      },
    },
  },
  {
    numbers: 'v1-5 10.3.1, v6-9 9.3.1, v10-11 9.5.1, v12 10.6.1',
    rule: 'no property is altered whose current level is above the sender’s',
    allow: {
      ...eachProperty('from one’s own level', (property) => change({ [property]: 50 }, { [property]: 49 })),
      'a level above one’s own, left alone': change({ ban: 51 }, { ban: 51 }),
      'a level removed': change({ kick: 50 }, { kick: 0 }),
    },
    refuse: {
      ...eachProperty('from above one’s own level', (property) =>
        change(
          { [property]: 51, events: { 'm.room.power_levels': 0 } },
          { [property]: 49, events: { 'm.room.power_levels': 0 } },
        ),
      ),
      'a level removed': { event: powerLevels({ users: USERS }, MOD), given: [powerLevels({ users: USERS, ban: 51 })] },
      'a level added below a default above one’s own': forty({}, { ban: 30 }),
      'a level added that is the default above one’s own': forty({}, { redact: 50 }),
    },
  },
  {
    numbers: 'v1-5 10.3.2, v6-9 9.3.2, v10-11 9.5.2, v12 10.6.2',
    rule: 'no property is altered to a level above the sender’s',
    allow: eachProperty('to one’s own level', (property) => change({ [property]: 49 }, { [property]: 50 })),
    refuse: {
      ...eachProperty('to above one’s own level', (property) => change({ [property]: 49 }, { [property]: 51 })),
      'a level added': change({}, { users_default: 51 }),
      'a level removed, so that a default above one’s own counts': forty({ kick: 40 }, {}),
    },
  },
  ...entryRules(
    'events',
    'v1-5 10.4.1, v6-9 9.4.1, v10-11 9.6.1, v12 10.7.1',
    'v1-5 10.5.1, v6-9 9.5.1, v10-11 9.7.1, v12 10.8.1',
  ),
  ...entryRules(
    'notifications',
    'v1-5, v6-9 9.4.1, v10-11 9.6.1, v12 10.7.1',
    'v1-5, v6-9 9.5.1, v10-11 9.7.1, v12 10.8.1',
  ),
  {
    numbers: 'v1-5 10.6.1, v6-9 9.6.1, v10-11 9.8.1, v12 10.9.1',
    rule: 'no other user’s level is altered that is not below the sender’s',
    allow: {
      'a user below': change({ users: { ...USERS, [USER]: 49 } }, { users: { ...USERS, [USER]: 10 } }),
      'a user below, removed': change({ users: { ...USERS, [USER]: 49 } }, { users: USERS }),
      'a user of one’s own level, left alone': change(
        { users: { ...USERS, [USER]: 50 } },
        { users: { ...USERS, [USER]: 50 } },
      ),
      'oneself, lowered': change({}, { users: { ...USERS, [MOD]: 49 } }),
      'oneself, removed': change({}, { users: { [ADMIN]: 100 } }),
    },
    refuse: {
      'a user of one’s own level': change({ users: { ...USERS, [USER]: 50 } }, { users: { ...USERS, [USER]: 49 } }),
      'a user of one’s own level, removed': change({ users: { ...USERS, [USER]: 50 } }, { users: USERS }),
      'a user above': change({}, { users: { ...USERS, [ADMIN]: 99 } }),
      'a user above, though the map is gone': change({}, { users: {} }),
      'a user above, together with an own level that is allowed': change({}, { users: { [ADMIN]: 0, [MOD]: 40 } }),
    },
  },
  {
    numbers: 'v1-5 10.7.1, v6-9 9.7.1, v10-11 9.9.1, v12 10.10.1',
    rule: 'no user’s level is altered to one above the sender’s',
    allow: {
      'another to one’s own level': change({}, { users: { ...USERS, [USER]: 50 } }),
      'a user who was there before': change({ users: { ...USERS, [USER]: 1 } }, { users: { ...USERS, [USER]: 50 } }),
    },
    refuse: {
      'another above oneself': change({}, { users: { ...USERS, [USER]: 51 } }),
      oneself: change({}, { users: { ...USERS, [MOD]: 51 } }),
      'a user who was there before': change({ users: { ...USERS, [USER]: 1 } }, { users: { ...USERS, [USER]: 51 } }),
    },
  },
  {
    numbers: 'v12 10.11',
    rule: 'nothing is above a creator',
    allow: {
      'an admin, demoted': change({}, { users: {} }, CREATOR),
      'a user raised to the highest level': change({}, { users: { [USER]: HUGE }, ban: HUGE }, CREATOR),
      'an additional creator': {
        event: powerLevels({ users: { [ADMIN]: 0 } }, STRANGER),
        given: [create({ additional_creators: [STRANGER] }), { ...ROOM[3]!, sender: STRANGER, state_key: STRANGER }],
      },
    },
  },
];

/** The rules of `events`, which are those of `notifications` too from version 6 on. */
function entryRules(map: 'events' | 'notifications', current: string, next: string): Rule<AuthCase>[] {
  return [
    {
      numbers: current,
      rule: `no entry of ${map} is altered whose current level is above the sender’s`,
      allow: {
        'from one’s own level': change({ [map]: { x: 50 } }, { [map]: { x: 1 } }),
        'one’s own level, removed': change({ [map]: { x: 50 } }, { [map]: {} }),
        'a level above one’s own, left alone': change({ [map]: { x: 51 } }, { [map]: { x: 51 } }),
      },
      refuse: {
        'from above one’s own level': change({ [map]: { x: 51 } }, { [map]: { x: 1 } }),
        'removed from above one’s own level': change({ [map]: { x: 51 } }, { [map]: {} }),
        'removed with the whole map': change({ [map]: { x: 51 } }, {}),
        'from above one’s own level to another above': change({ [map]: { x: 51 } }, { [map]: { x: 52 } }),
      },
    },
    {
      numbers: next,
      rule: `no entry of ${map} is altered to a level above the sender’s`,
      allow: {
        'to one’s own level': change({ [map]: { x: 1 } }, { [map]: { x: 50 } }),
        'added at one’s own level': change({}, { [map]: { x: 50 } }),
        'added for what every object inherits': change({}, { [map]: { constructor: 50 } }),
      },
      refuse: {
        'to above one’s own level': change({ [map]: { x: 1 } }, { [map]: { x: 51 } }),
        'added above one’s own level': change({}, { [map]: { x: 51 } }),
      },
    },
  ];
}
