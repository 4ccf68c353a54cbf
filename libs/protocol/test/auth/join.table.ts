import type { AuthCase } from './check-auth.js';
import {
  ADMIN,
  CREATOR,
  create,
  joinRule,
  joins,
  LEVELS,
  MOD,
  member,
  powerLevels,
  STRANGER,
  sends,
  sets,
  USER,
  USERS,
} from './room-builder.js';
import type { Rule } from './rule-table.js';

const afterCreate = ['$create', '$create:a.example'];
const firstJoin = (user: string, sender = user) => ({ ...member(user, 'join', sender), prev_events: ['$create'] });
const onlyCreate = [create({}, { eventId: '$create' })];
const authorised = (authoriser: string, server = 'a.example') => ({
  ...joins(STRANGER, { join_authorised_via_users_server: authoriser }),
  signedBy: [server],
});

/** m.room.member as such, and with membership `join`. */
export const JOIN_RULES: readonly Rule<AuthCase>[] = [
  {
    numbers: 'v1-5 5.1, v6-11 4.1, v12 5.1',
    rule: 'there are a state key and a membership',
    allow: { both: { event: joins(USER) } },
    refuse: {
      'no state key': { event: sends(USER, 'm.room.member', { membership: 'join' }) },
      'no membership': { event: sets(USER, 'm.room.member', USER, {}) },
    },
  },
  {
    numbers: 'v1-7, v8-11 4.2.1, v12 5.2.1',
    rule: 'the server of the user who authorises a join has signed it',
    refuse: {
      'no signature of that server': {
        event: joins(STRANGER, { join_authorised_via_users_server: ADMIN }),
        given: [joinRule('public')],
      },
      'an authorising user that is none': {
        event: joins(STRANGER, { join_authorised_via_users_server: 'a.example' }),
        given: [joinRule('public')],
      },
      'an authorising user that is no string': {
        event: joins(STRANGER, { join_authorised_via_users_server: 1 }),
        given: [joinRule('public')],
      },
      'an authorising user that is no string, whatever is signed': {
        event: joins(STRANGER, { join_authorised_via_users_server: 1 }),
        given: [joinRule('public')],
        options: { isSignedBy: () => true },
      },
      'a server that lists no signatures': {
        event: {
          ...joins(STRANGER, { join_authorised_via_users_server: ADMIN }),
          signatures: { 'c.example': { 'ed25519:1': 's' }, 'a.example': {} },
        },
        given: [joinRule('public')],
      },
      'a signature that does not hold': {
        event: authorised(ADMIN),
        given: [joinRule('public')],
        options: { isSignedBy: () => false },
      },
      'a server called as what every object inherits': {
        event: joins(STRANGER, { join_authorised_via_users_server: '@x:constructor' }),
        given: [joinRule('public')],
      },
      'other memberships too': {
        event: member(STRANGER, 'invite', ADMIN, { join_authorised_via_users_server: USER }),
      },
    },
  },
  {
    numbers: 'v8-11 4.2.1, v12 5.2.1',
    rule: 'the server of the user who authorises a join has signed it',
    allow: {
      'a signature of that server': { event: authorised(ADMIN), given: [joinRule('restricted')] },
      'a signature that the caller has verified': {
        event: joins(STRANGER, { join_authorised_via_users_server: ADMIN }),
        given: [joinRule('restricted')],
        options: { isSignedBy: ({ pdu }, server) => pdu.sender === STRANGER && server === 'a.example' },
      },
    },
  },
  {
    numbers: 'v1-5 5.2.1, v6-7 4.2.1, v8-11 4.3.1, v12 5.3.1',
    rule: 'the creator joins right after m.room.create',
    allow: {
      'the creator': { event: firstJoin(CREATOR), state: onlyCreate },
      'the creator whoever says so': { event: firstJoin(CREATOR, USER), state: onlyCreate },
    },
  },
  {
    numbers: 'v1-5 5.2.6, v6-7 4.2.6, v8-11 4.3.7, v12 5.3.7',
    rule: 'nobody else joins right after m.room.create, nor does the creator later',
    refuse: {
      'another user': { event: firstJoin(USER), state: onlyCreate },
      'the creator after another event': { event: { ...joins(CREATOR), prev_events: ['$x'] }, state: onlyCreate },
      'the creator after two events': { event: { ...joins(CREATOR), prev_events: afterCreate }, state: onlyCreate },
      'the creator after nothing': { event: { ...joins(CREATOR), prev_events: [] }, state: onlyCreate },
    },
  },
  {
    numbers: 'v1-5 5.2.1, v6-7 4.2.1, v8-10 4.3.1',
    rule: 'until version 10 content.creator is the creator',
    allow: {
      'whom the create event names': {
        event: firstJoin(USER),
        state: [create({ creator: USER }, { eventId: '$create' })],
      },
    },
  },
  {
    numbers: 'v11 4.3.7, v12 5.3.7',
    rule: 'from version 11 on content.creator is nothing',
    refuse: {
      'whom the create event names': {
        event: firstJoin(USER),
        state: [create({ creator: USER }, { eventId: '$create' })],
      },
    },
  },
  {
    numbers: 'v1-5 5.2.2, v6-7 4.2.2, v8-11 4.3.2, v12 5.3.2',
    rule: 'one joins oneself',
    allow: { 'one’s own join': { event: joins(STRANGER), given: [joinRule('public')] } },
    refuse: { 'making another join': { event: member(STRANGER, 'join', ADMIN), given: [joinRule('public')] } },
  },
  {
    numbers: 'v1-5 5.2.3, v6-7 4.2.3, v8-11 4.3.3, v12 5.3.3',
    rule: 'who is banned does not join',
    allow: {
      'a user whose ban was lifted': {
        event: joins(STRANGER),
        given: [joinRule('public'), member(STRANGER, 'leave', ADMIN)],
      },
    },
    refuse: {
      'a banned user in a public room': {
        event: joins(STRANGER),
        given: [joinRule('public'), member(STRANGER, 'ban', ADMIN)],
      },
    },
  },
  {
    numbers: 'v1-5 5.2.4, v6-7 4.2.4, v8-11 4.3.4, v12 5.3.4',
    rule: 'to a room by invitation come those who are invited or in it',
    allow: {
      'an invited user': { event: joins(STRANGER), given: [member(STRANGER, 'invite', ADMIN)] },
      'a member': { event: joins(USER) },
      'an invited user where no join rule is set': {
        event: joins(STRANGER),
        given: [
          { ...joinRule('public'), state_key: 'other' },
          sets(CREATOR, 'm.room.join_rules', '', {}),
          member(STRANGER, 'invite', ADMIN),
        ],
      },
    },
  },
  {
    numbers: 'v1-5 5.2.6, v6-7 4.2.6, v8-11 4.3.7, v12 5.3.7',
    rule: 'nobody else comes to a room by invitation',
    refuse: {
      'a stranger': { event: joins(STRANGER) },
      'a stranger where no join rule is set': {
        event: joins(STRANGER),
        given: [sets(CREATOR, 'm.room.join_rules', '', {})],
      },
      'a user who left': { event: joins(STRANGER), given: [member(STRANGER, 'leave', STRANGER)] },
      'a user who knocks': { event: joins(STRANGER), given: [member(STRANGER, 'knock', STRANGER)] },
      'a stranger whom a member authorises': { event: authorised(ADMIN) },
    },
  },
  {
    numbers: 'v7 4.2.4, v8-11 4.3.4, v12 5.3.4',
    rule: 'to a room where one knocks come those who are invited or in it',
    allow: {
      'an invited user': { event: joins(STRANGER), given: [joinRule('knock'), member(STRANGER, 'invite', ADMIN)] },
      'a member': { event: joins(USER), given: [joinRule('knock')] },
    },
  },
  {
    numbers: 'v1-5 5.2.6, v6 4.2.6',
    rule: 'before version 7 the join rule knock lets nobody in',
    refuse: {
      'an invited user': { event: joins(STRANGER), given: [joinRule('knock'), member(STRANGER, 'invite', ADMIN)] },
      'a member': { event: joins(USER), given: [joinRule('knock')] },
    },
  },
  {
    numbers: 'v7 4.2.6, v8-11 4.3.7, v12 5.3.7',
    rule: 'nobody else comes to a room where one knocks',
    refuse: {
      'who knocks': { event: joins(STRANGER), given: [joinRule('knock'), member(STRANGER, 'knock', STRANGER)] },
      'whom a member authorises': { event: authorised(ADMIN), given: [joinRule('knock')] },
    },
  },
  ...(['restricted', 'knock_restricted'] as const).flatMap((rule) => restrictedRules(rule)),
  {
    numbers: 'v1-5 5.2.5, v6-7 4.2.5, v8-11 4.3.6, v12 5.3.6',
    rule: 'everybody comes to a public room',
    allow: {
      'a stranger': { event: joins(STRANGER), given: [joinRule('public')] },
      'a user who left': { event: joins(STRANGER), given: [joinRule('public'), member(STRANGER, 'leave', ADMIN)] },
    },
  },
  {
    numbers: 'v1-5 5.2.6, v6-7 4.2.6, v8-11 4.3.7, v12 5.3.7',
    rule: 'nobody joins under a join rule that the version does not know',
    allow: { 'a member under one that it knows': { event: joins(USER), given: [joinRule('invite')] } },
    refuse: {
      'a member of a private room': { event: joins(USER), given: [joinRule('private')] },
      'a member under a rule of nobody’s': { event: joins(USER), given: [joinRule('org.example.rule')] },
    },
  },
];

/** `restricted` from version 8 on, `knock_restricted` from version 10 on: each like no rule at all before. */
function restrictedRules(rule: 'restricted' | 'knock_restricted'): Rule<AuthCase>[] {
  const given = [joinRule(rule)];
  const known = rule === 'restricted' ? 'v8-11' : 'v10-11';
  return [
    {
      numbers: `${known} 4.3.5.1, v12 5.3.5.1`,
      rule: `${rule}: who is invited or in the room joins`,
      allow: {
        'an invited user': { event: joins(STRANGER), given: [...given, member(STRANGER, 'invite', ADMIN)] },
        'a member': { event: joins(USER), given },
      },
    },
    {
      numbers: `${known} 4.3.5.2, v12 5.3.5.2`,
      rule: `${rule}: a member who may invite has to authorise the join`,
      allow: {
        'a member above the invite level': { event: authorised(MOD), given },
        'a member at the invite level': {
          event: authorised(USER, 'b.example'),
          given: [...given, powerLevels({ users: { ...USERS, [USER]: 25 }, invite: 25 })],
        },
        'a member where anybody may invite': {
          event: authorised(USER, 'b.example'),
          given: [...given, powerLevels({ users: USERS })],
        },
      },
      refuse: {
        'nobody authorises': { event: joins(STRANGER), given },
        'a user who knocks': { event: joins(STRANGER), given: [...given, member(STRANGER, 'knock', STRANGER)] },
        'a member below the invite level': {
          event: authorised(USER, 'b.example'),
          given: [...given, powerLevels({ users: { ...USERS, [USER]: 24 }, invite: 25 })],
        },
        'a user who is not in the room': {
          event: authorised(ADMIN),
          given: [...given, member(ADMIN, 'leave', ADMIN), powerLevels(LEVELS)],
        },
        'a user who is invited only': { event: authorised(ADMIN), given: [...given, member(ADMIN, 'invite', MOD)] },
      },
    },
    {
      numbers: rule === 'restricted' ? 'v1-5 5.2.6, v6-7 4.2.6' : 'v1-5 5.2.6, v6-7 4.2.6, v8-9 4.3.7',
      rule: `${rule} lets nobody in before it was known`,
      refuse: {
        'a member': { event: joins(USER), given },
        'a user whom a member authorises': { event: authorised(MOD), given },
      },
    },
  ];
}
