import type { AuthCase } from './check-auth.js';
import {
  ADMIN,
  CREATOR,
  joinRule,
  LEVELS,
  MOD,
  member,
  powerLevels,
  STRANGER,
  sets,
  USER,
  USERS,
} from './room-builder.js';
import type { Rule } from './rule-table.js';

/** In force: the invite level is 25, the kick level 40, the ban level 45. */
const withUser = (level: number) => powerLevels({ ...LEVELS, users: { ...USERS, [USER]: level } });

/** m.room.member with membership `invite`, `leave`, `ban`, `knock` and any other. */
export const MEMBERSHIP_RULES: readonly Rule<AuthCase>[] = [
  {
    numbers: 'v1-5 5.3.2, v6-7 4.3.2, v8-11 4.4.2, v12 5.4.2',
    rule: 'invite: the sender is in the room',
    allow: { 'a sender in the room': { event: member('@new:a.example', 'invite', MOD) } },
    refuse: {
      'a sender from outside': { event: member('@new:a.example', 'invite', STRANGER) },
      'a sender who is invited only': {
        event: member('@new:a.example', 'invite', STRANGER),
        given: [member(STRANGER, 'invite', ADMIN)],
      },
      'an invitation of oneself': { event: member(STRANGER, 'invite', STRANGER) },
    },
  },
  {
    numbers: 'v1-5 5.3.3, v6-7 4.3.3, v8-11 4.4.3, v12 5.4.3',
    rule: 'invite: the target is neither in the room nor banned',
    allow: {
      'a target who left': { event: member(STRANGER, 'invite', MOD), given: [member(STRANGER, 'leave', STRANGER)] },
      'a target who is invited already': {
        event: member(STRANGER, 'invite', MOD),
        given: [member(STRANGER, 'invite', ADMIN)],
      },
      'a target who knocks': { event: member(STRANGER, 'invite', MOD), given: [member(STRANGER, 'knock', STRANGER)] },
    },
    refuse: {
      'a target who is in the room': { event: member(USER, 'invite', ADMIN) },
      'a target who is banned': { event: member(STRANGER, 'invite', ADMIN), given: [member(STRANGER, 'ban', ADMIN)] },
    },
  },
  {
    numbers: 'v1-5 5.3.5, v6-7 4.3.5, v8-11 4.4.5, v12 5.4.5',
    rule: 'invite: the sender has the invite level',
    allow: {
      'a sender at the invite level': { event: member(STRANGER, 'invite', USER), given: [withUser(25)] },
      'anybody where no level is set': {
        event: member(STRANGER, 'invite', USER),
        given: [powerLevels({ users: USERS })],
      },
    },
    refuse: { 'a sender below the invite level': { event: member(STRANGER, 'invite', USER), given: [withUser(24)] } },
  },
  {
    numbers: 'v1-5 5.4.1, v6-7 4.4.1, v8-11 4.5.1, v12 5.5.1',
    rule: 'leave: one leaves who is in the room or invited',
    allow: {
      'a member': { event: member(USER, 'leave', USER) },
      'a member who declines an invitation': {
        event: member(STRANGER, 'leave', STRANGER),
        given: [member(STRANGER, 'invite', ADMIN)],
      },
    },
    refuse: {
      'a stranger': { event: member(STRANGER, 'leave', STRANGER) },
      'a user who left': { event: member(USER, 'leave', USER), given: [member(USER, 'leave', USER)] },
      'a user who is banned': { event: member(USER, 'leave', USER), given: [member(USER, 'ban', ADMIN)] },
      'a banned admin, who may lift bans': {
        event: member(ADMIN, 'leave', ADMIN),
        given: [member(ADMIN, 'ban', CREATOR)],
      },
    },
  },
  {
    numbers: 'v1-5 5.4.1, v6 4.4.1, v7-12',
    rule: 'leave: knocks are taken back from version 7 on',
    refuse: {
      'a user who knocks': { event: member(STRANGER, 'leave', STRANGER), given: [member(STRANGER, 'knock', STRANGER)] },
    },
  },
  {
    numbers: 'v1-5 5.4.2, v6-7 4.4.2, v8-11 4.5.2, v12 5.5.2',
    rule: 'leave: who removes another is in the room',
    allow: { 'an admin in the room': { event: member(USER, 'leave', ADMIN) } },
    refuse: {
      'an admin who left': { event: member(USER, 'leave', ADMIN), given: [member(ADMIN, 'leave', ADMIN)] },
      'an admin who is invited only': { event: member(USER, 'leave', ADMIN), given: [member(ADMIN, 'invite', MOD)] },
    },
  },
  {
    numbers: 'v1-5 5.4.3, v6-7 4.4.3, v8-11 4.5.3, v12 5.5.3',
    rule: 'leave: lifting a ban takes the ban level',
    allow: {
      'a sender at the ban level': {
        event: member(STRANGER, 'leave', USER),
        given: [withUser(45), member(STRANGER, 'ban', ADMIN)],
      },
    },
    refuse: {
      'a sender below the ban level, though at the kick level': {
        event: member(STRANGER, 'leave', USER),
        given: [withUser(44), member(STRANGER, 'ban', ADMIN)],
      },
    },
  },
  {
    numbers: 'v1-5 5.4.5, v6-7 4.4.5, v8-11 4.5.5, v12 5.5.5',
    rule: 'leave: removing another takes the kick level and a level above theirs',
    allow: {
      'a sender at the kick level': {
        event: member(STRANGER, 'leave', USER),
        given: [withUser(40), member(STRANGER, 'join', STRANGER)],
      },
      'an invitation taken back': {
        event: member(STRANGER, 'leave', USER),
        given: [withUser(40), member(STRANGER, 'invite', ADMIN)],
      },
      'a target one level below': {
        event: member(STRANGER, 'leave', MOD),
        given: [powerLevels({ ...LEVELS, users: { ...USERS, [STRANGER]: 49 } }), member(STRANGER, 'join', STRANGER)],
      },
    },
    refuse: {
      'a sender below the kick level': {
        event: member(STRANGER, 'leave', USER),
        given: [withUser(39), member(STRANGER, 'join', STRANGER)],
      },
      'a target of the same level': {
        event: member(STRANGER, 'leave', MOD),
        given: [powerLevels({ ...LEVELS, users: { ...USERS, [STRANGER]: 50 } }), member(STRANGER, 'join', STRANGER)],
      },
      'a target of a higher level': { event: member(ADMIN, 'leave', MOD) },
      'a ban lifted by one at the ban level but below the kick level': {
        event: member(STRANGER, 'leave', USER),
        given: [powerLevels({ users: { ...USERS, [USER]: 45 }, ban: 45, kick: 46 }), member(STRANGER, 'ban', ADMIN)],
      },
      'a sender at the default kick level less one': {
        event: member(STRANGER, 'leave', USER),
        given: [powerLevels({ users: { ...USERS, [USER]: 49 } }), member(STRANGER, 'join', STRANGER)],
      },
    },
  },
  {
    numbers: 'v1-5 5.5.1, v6-7 4.5.1, v8-11 4.6.1, v12 5.6.1',
    rule: 'ban: the sender is in the room',
    allow: { 'an admin in the room': { event: member(USER, 'ban', ADMIN) } },
    refuse: {
      'an admin who left': { event: member(USER, 'ban', ADMIN), given: [member(ADMIN, 'leave', ADMIN)] },
      'a stranger': { event: member(USER, 'ban', STRANGER) },
    },
  },
  {
    numbers: 'v1-5 5.5.3, v6-7 4.5.3, v8-11 4.6.3, v12 5.6.3',
    rule: 'ban: it takes the ban level and a level above the target’s',
    allow: {
      'a sender at the ban level': { event: member(STRANGER, 'ban', USER), given: [withUser(45)] },
      'a member': { event: member(USER, 'ban', MOD) },
      'a target who is banned already': {
        event: member(STRANGER, 'ban', MOD),
        given: [member(STRANGER, 'ban', ADMIN)],
      },
    },
    refuse: {
      'a sender below the ban level': { event: member(STRANGER, 'ban', USER), given: [withUser(44)] },
      'a sender at the default ban level less one': {
        event: member(STRANGER, 'ban', USER),
        given: [powerLevels({ users: { ...USERS, [USER]: 49 } })],
      },
      'a target of the same level': { event: member(MOD, 'ban', USER), given: [withUser(50)] },
      'a target of a higher level': { event: member(ADMIN, 'ban', MOD) },
      oneself: { event: member(MOD, 'ban', MOD) },
    },
  },
  {
    numbers: 'v7 4.6.1, v8-11 4.7.1, v12 5.7.1',
    rule: 'knock: the join rule lets users knock',
    allow: { 'the join rule knock': { event: member(STRANGER, 'knock', STRANGER), given: [joinRule('knock')] } },
    refuse: {
      'a public room': { event: member(STRANGER, 'knock', STRANGER), given: [joinRule('public')] },
      'a room by invitation': { event: member(STRANGER, 'knock', STRANGER) },
      'a restricted room': { event: member(STRANGER, 'knock', STRANGER), given: [joinRule('restricted')] },
    },
  },
  {
    numbers: 'v7 4.6.1, v8-9 4.7.1, v10-12',
    rule: 'knock: the join rule knock_restricted lets users knock from version 10 on',
    refuse: { knock_restricted: { event: member(STRANGER, 'knock', STRANGER), given: [joinRule('knock_restricted')] } },
  },
  {
    numbers: 'v7 4.6.2, v8-11 4.7.2, v12 5.7.2',
    rule: 'knock: one knocks oneself',
    allow: { 'for oneself': { event: member(STRANGER, 'knock', STRANGER), given: [joinRule('knock')] } },
    refuse: { 'for another': { event: member(STRANGER, 'knock', ADMIN), given: [joinRule('knock')] } },
  },
  {
    numbers: 'v7 4.6.4, v8-11 4.7.4, v12 5.7.4',
    rule: 'knock: who is banned, invited or in the room does not knock',
    allow: {
      'a user who left': {
        event: member(STRANGER, 'knock', STRANGER),
        given: [joinRule('knock'), member(STRANGER, 'leave', ADMIN)],
      },
      'a user who knocks again': {
        event: member(STRANGER, 'knock', STRANGER),
        given: [joinRule('knock'), member(STRANGER, 'knock', STRANGER)],
      },
    },
    refuse: Object.fromEntries(
      ['ban', 'invite', 'join'].map((membership) => [
        `a user with membership ${membership}`,
        {
          event: member(STRANGER, 'knock', STRANGER),
          given: [joinRule('knock'), member(STRANGER, membership, STRANGER)],
        },
      ]),
    ),
  },
  {
    numbers: 'v1-5 5.6, v6 4.6',
    rule: 'knocking is unknown before version 7',
    refuse: { 'a knock': { event: member(STRANGER, 'knock', STRANGER), given: [joinRule('knock')] } },
  },
  {
    numbers: 'v1-5 5.6, v6 4.6, v7 4.7, v8-11 4.8, v12 5.8',
    rule: 'the membership is known',
    allow: { 'one that is known': { event: member(USER, 'leave', USER) } },
    refuse: {
      'a membership of nobody’s': { event: member(USER, 'org.example.lurk', USER) },
      'a membership that is no string': { event: sets(USER, 'm.room.member', USER, { membership: ['join'] }) },
      'a membership that is null': { event: sets(USER, 'm.room.member', USER, { membership: null }) },
    },
  },
];
