import type { AuthCase } from './check-auth.js';
import {
  ADMIN,
  CREATOR,
  create,
  joins,
  LEVELS,
  MOD,
  member,
  powerLevels,
  ROOM,
  STRANGER,
  sends,
  sets,
  USER,
  USERS,
} from './room-builder.js';
import type { Rule } from './rule-table.js';

const message = sends(USER, 'm.room.message', { body: 'hello' });
const withoutCreate = ROOM.slice(1);

/** The rules that stand before and after those about m.room.member. */
export const ROOM_RULES: readonly Rule<AuthCase>[] = [
  {
    numbers: 'v12 2',
    rule: 'the room id is the id of an accepted m.room.create event',
    allow: { 'the id of the create event': { event: message } },
    refuse: {
      'the id of another event': { event: { ...message, room_id: '!another' } },
      'the id of the create event with its own sigil': { event: { ...message, room_id: '$create' } },
      'a room without m.room.create': { event: message, state: withoutCreate },
      'a create event that was rejected': { event: message, given: [create({}, { rejected: true })] },
    },
  },
  {
    numbers: 'v1-11 2.4',
    rule: 'the room has an m.room.create event',
    allow: { 'a room that has one': { event: message } },
    refuse: { 'a room that has none': { event: message, state: withoutCreate } },
  },
  {
    numbers: 'v1-11 3, v12 4',
    rule: 'a room that is not federated is for the server that made it',
    allow: {
      'a user of the server': { event: sends(MOD, 'm.room.message'), given: [create({ 'm.federate': false })] },
      'another server where m.federate is true': { event: message, given: [create({ 'm.federate': true })] },
      'another server where m.federate is not said': { event: message },
      'another server where m.federate is no boolean': { event: message, given: [create({ 'm.federate': 'false' })] },
    },
    refuse: {
      'a user of another server': { event: message, given: [create({ 'm.federate': false })] },
      'the join of a user of another server': { event: joins(USER), given: [create({ 'm.federate': false })] },
    },
  },
  {
    numbers: 'v1-5 4.1, v6-12',
    rule: 'm.room.aliases is a state event',
    allow: { 'a state event': { event: sets(MOD, 'm.room.aliases', 'a.example', {}) } },
    refuse: { 'a message event': { event: sends(MOD, 'm.room.aliases') } },
  },
  {
    numbers: 'v1-5 4.2, v6-12',
    rule: 'm.room.aliases is about the aliases of the sender’s server',
    allow: { 'those of the own server': { event: sets(MOD, 'm.room.aliases', 'a.example', {}) } },
    refuse: {
      'the aliases of another server': { event: sets(MOD, 'm.room.aliases', 'b.example', {}) },
      'an empty state key': { event: sets(MOD, 'm.room.aliases', '', {}) },
    },
  },
  {
    numbers: 'v1-5 4.3',
    rule: 'a server sets its aliases, in the room or not',
    allow: {
      'a user without power': { event: sets(USER, 'm.room.aliases', 'b.example', {}) },
      'a user who is not in the room': { event: sets(STRANGER, 'm.room.aliases', 'c.example', {}) },
    },
  },
  {
    numbers: 'v1-5, v6-11 5, v12 6',
    rule: 'without rule 4, m.room.aliases is an event like any other',
    refuse: { 'a user who is not in the room': { event: sets(STRANGER, 'm.room.aliases', 'c.example', {}) } },
  },
  {
    numbers: 'v1-5 6, v6-11 5, v12 6',
    rule: 'the sender is in the room',
    allow: { 'a member': { event: message } },
    refuse: {
      'a user who never was in the room': { event: sends(STRANGER, 'm.room.message') },
      'a user who left': { event: message, given: [member(USER, 'leave', USER)] },
      'a user who is invited': { event: message, given: [member(USER, 'invite', ADMIN)] },
      'a user who is banned': { event: message, given: [member(USER, 'ban', ADMIN)] },
      'a user who knocks': { event: message, given: [member(USER, 'knock', USER)] },
      'the creator who left': { event: sends(CREATOR, 'm.room.message'), given: [member(CREATOR, 'leave', CREATOR)] },
      'a membership that is no string': {
        event: message,
        given: [sets(USER, 'm.room.member', USER, { membership: ['join'] })],
      },
      'a third-party invite from outside': { event: sets(STRANGER, 'm.room.third_party_invite', 'token', {}) },
    },
  },
  {
    numbers: 'v1-5 7.1, v6-11 6.1, v12 7.1',
    rule: 'who may invite may invite by e-mail, whatever the level of m.room.third_party_invite',
    allow: {
      'a sender at the invite level': {
        event: sets(USER, 'm.room.third_party_invite', 'token', {}),
        given: [powerLevels({ users: { ...USERS, [USER]: 25 }, invite: 25 })],
      },
      'a state key that is a user id': { event: sets(MOD, 'm.room.third_party_invite', '@token:a.example', {}) },
    },
    refuse: {
      'a sender below the invite level': {
        event: sets(USER, 'm.room.third_party_invite', 'token', {}),
        given: [powerLevels({ users: { ...USERS, [USER]: 24 }, invite: 25, state_default: 0 })],
      },
    },
  },
  {
    numbers: 'v1-5 8, v6-11 7, v12 8',
    rule: 'the sender has the level that the event type requires',
    allow: {
      'state at state_default': { event: sets(MOD, 'm.room.topic', '', { topic: 'x' }) },
      'a message at events_default': { event: message, given: [powerLevels({ ...LEVELS, events_default: 0 })] },
      'a type whose own level is lower than the default': {
        event: sets(USER, 'm.room.topic', '', { topic: 'x' }),
        given: [powerLevels({ ...LEVELS, events: { 'm.room.topic': 0 } })],
      },
      'a type called as what every object inherits': { event: sends(USER, 'constructor') },
    },
    refuse: {
      'state below state_default': { event: sets(USER, 'm.room.topic', '', { topic: 'x' }) },
      'state below a state_default of the room’s own': {
        event: sets(MOD, 'm.room.topic', '', { topic: 'x' }),
        given: [powerLevels({ ...LEVELS, state_default: 51 })],
      },
      'state in a room without power levels': {
        event: sets(MOD, 'm.room.topic', '', { topic: 'x' }),
        state: ROOM.filter((draft) => draft.type !== 'm.room.power_levels'),
      },
      'a message below events_default': { event: message, given: [powerLevels({ ...LEVELS, events_default: 1 })] },
      'a message below users_default': { event: message, given: [powerLevels({ ...LEVELS, users_default: -1 })] },
      'a type whose own level is higher': {
        event: message,
        given: [powerLevels({ ...LEVELS, events: { 'm.room.message': 1 } })],
      },
      'power levels below their own level': {
        event: powerLevels(LEVELS, MOD),
        given: [powerLevels({ ...LEVELS, events: { 'm.room.power_levels': 100 } })],
      },
    },
  },
  {
    numbers: 'v1-5 9, v6-11 8, v12 9',
    rule: 'a state key that begins with @ belongs to the user whom it names',
    allow: {
      'one’s own user id': { event: sets(MOD, 'org.example.mine', MOD, {}) },
      'a state key with @ in the middle': { event: sets(MOD, 'org.example.mail', 'a@b.example', {}) },
    },
    refuse: {
      'the user id of another': { event: sets(MOD, 'org.example.mine', USER, {}) },
      'anything else after @': { event: sets(ADMIN, 'org.example.mine', '@', {}) },
    },
  },
  {
    numbers: 'v1-2 11.3',
    rule: 'a redaction needs the redact level or an event of one’s own server',
    allow: {
      'a sender at the redact level': { event: sends(MOD, 'm.room.redaction', {}, { redacts: '$x:z.example' }) },
      'an event of the same server': {
        event: sends(USER, 'm.room.redaction', {}, { redacts: '$x:b.example', eventId: '$r:b.example' }),
      },
    },
    refuse: {
      'an event of another server': {
        event: sends(USER, 'm.room.redaction', {}, { redacts: '$x:a.example', eventId: '$r:b.example' }),
      },
      'a sender just below the redact level': {
        event: sends(MOD, 'm.room.redaction', {}, { redacts: '$x:z.example' }),
        given: [powerLevels({ ...LEVELS, redact: 51 })],
      },
      'nothing redacted': { event: sends(USER, 'm.room.redaction', {}, { eventId: '$r:b.example' }) },
      'ids without servers': {
        event: sends(USER, 'm.room.redaction', {}, { redacts: '$x', eventId: '$r' }),
      },
    },
  },
  {
    numbers: 'v3-10 11, v11-12 10',
    rule: 'later a redaction is an event like any other',
    allow: {
      'an event of another server': {
        event: sends(USER, 'm.room.redaction', {}, { redacts: '$x:a.example', eventId: '$r:b.example' }),
      },
    },
  },
];
