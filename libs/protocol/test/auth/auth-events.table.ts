import { type AuthDecision, checkAuthEvents, type RoomVersionRules } from '../../src/index.js';
import {
  ADMIN,
  create,
  type Draft,
  event,
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
} from './room-builder.js';
import { type Rule, runRules } from './rule-table.js';

export interface AuthEventsCase {
  readonly event: Draft;
  /** Besides m.room.create, which counts as an auth event up to version 11. */
  readonly authEvents: readonly Draft[];
  /** Instead of the usual m.room.create event; null for none. */
  readonly create?: Draft | null;
}

function decide(testCase: AuthEventsCase, rules: RoomVersionRules): AuthDecision {
  const createDraft = testCase.create === undefined ? create() : testCase.create;
  const createEvent = createDraft === null ? undefined : event(createDraft, rules);
  const others = testCase.authEvents.map((draft) => event(draft, rules));
  if (rules.roomIdIsCreateHash) {
    return checkAuthEvents(event(testCase.event, rules), others, rules, { create: createEvent });
  }
  const all = createEvent === undefined ? others : [createEvent, ...others];
  return checkAuthEvents(event(testCase.event, rules), all, rules);
}

const message = sends(USER, 'm.room.message');
const levels = powerLevels(LEVELS);
const elsewhere = '!elsewhere:a.example';

export function runAuthEventRules(): void {
  runRules(AUTH_EVENT_RULES, decide);
}

/** The rule about `auth_events`, and what follows when they are taken for the state. */
const AUTH_EVENT_RULES: readonly Rule<AuthEventsCase>[] = [
  {
    numbers: 'v1-12 1.1',
    rule: 'm.room.create is authorised by nothing',
    allow: { 'a create event': { event: create(), authEvents: [], create: null } },
    refuse: {
      'a create event after another': { event: create({}, { prev_events: ['$x'] }), authEvents: [], create: null },
    },
  },
  {
    numbers: 'v12 2',
    rule: 'the room id is the id of an accepted m.room.create event',
    allow: { 'the event that the room is named after': { event: message, authEvents: [joins(USER)] } },
    refuse: {
      'a create event that is not known': { event: message, authEvents: [joins(USER)], create: null },
      'a create event that was rejected': {
        event: message,
        authEvents: [joins(USER)],
        create: create({}, { rejected: true }),
      },
      'a create event of another room': {
        event: message,
        authEvents: [joins(USER)],
        create: create({}, { eventId: '$other' }),
      },
      'a room id that is wrong, even if the entries are doubled': {
        event: { ...message, room_id: elsewhere },
        authEvents: [joins(USER), joins(USER)],
      },
    },
  },
  {
    numbers: 'v1-11 2.1, v12 3.1',
    rule: 'no two entries of one type and state key',
    allow: { 'one entry of each': { event: message, authEvents: [levels, joins(USER)] } },
    refuse: {
      'one entry twice': { event: message, authEvents: [joins(USER), joins(USER)] },
      'two entries with the same key': { event: message, authEvents: [joins(USER), member(USER, 'invite', ADMIN)] },
      'two that could not authorise the event anyway': {
        event: message,
        authEvents: [joins(USER), joins(MOD), joins(MOD)],
      },
    },
  },
  {
    numbers: 'v1-11 2.2, v12 3.2',
    rule: 'no entry that the selection of auth events does not name',
    allow: { 'what it names': { event: message, authEvents: [joins(USER), levels] } },
    refuse: {
      'the membership of somebody else': { event: message, authEvents: [joins(USER), joins(MOD)] },
      'join rules for a message': { event: message, authEvents: [joins(USER), joinRule('public')] },
      'other state': { event: message, authEvents: [joins(USER), sets(MOD, 'm.room.topic', '', {})] },
      'a message': { event: message, authEvents: [joins(USER), message] },
      'an answer to an invitation that is a message, whose state key reads as none': {
        event: member(STRANGER, 'invite', MOD, { third_party_invite: { signed: { token: 'undefined' } } }),
        authEvents: [joins(MOD), sends(MOD, 'm.room.third_party_invite')],
      },
      'power levels with a state key': { event: message, authEvents: [joins(USER), { ...levels, state_key: 'x' }] },
    },
  },
  {
    numbers: 'v12 3.2',
    rule: 'm.room.create is an entry up to version 11 only',
    refuse: { 'm.room.create': { event: message, authEvents: [joins(USER), create()] } },
  },
  {
    numbers: 'v1-11 2.3, v12 3.3',
    rule: 'no entry that was rejected',
    allow: { 'a join that was let in': { event: message, authEvents: [{ ...joins(USER), rejected: false }] } },
    refuse: {
      'a join that was rejected': { event: message, authEvents: [{ ...joins(USER), rejected: true }] },
      'power levels that were rejected': { event: message, authEvents: [joins(USER), { ...levels, rejected: true }] },
    },
  },
  {
    numbers: 'v1-11 2.4',
    rule: 'm.room.create is among the entries',
    allow: { 'm.room.create': { event: message, authEvents: [joins(USER)], create: create() } },
    refuse: {
      'no m.room.create': { event: message, authEvents: [joins(USER)], create: null },
      'no m.room.create, which is asked for before the room of the others': {
        event: message,
        authEvents: [{ ...joins(USER), room_id: elsewhere }],
        create: null,
      },
    },
  },
  {
    numbers: 'v1-11 2.5, v12 3.4',
    rule: 'every entry is of the same room',
    allow: { 'entries of the room': { event: message, authEvents: [joins(USER), levels] } },
    refuse: {
      'power levels of another room': { event: message, authEvents: [joins(USER), { ...levels, room_id: elsewhere }] },
      'a membership of another room': { event: message, authEvents: [{ ...joins(USER), room_id: elsewhere }] },
    },
  },
  {
    numbers: 'v1-11 2.5',
    rule: 'm.room.create is of the same room',
    refuse: {
      'm.room.create of another room': {
        event: message,
        authEvents: [joins(USER)],
        create: create({}, { room_id: elsewhere }),
      },
    },
  },
  {
    numbers: 'v1-5 6, v6-11 5, v12 6',
    rule: 'the entries are the state that all other rules look at',
    refuse: {
      'no membership of the sender': { event: message, authEvents: [levels] },
      'a membership that only m.room.create claims': {
        event: message,
        authEvents: [levels],
        create: create({ membership: 'join' }),
      },
      'a membership of the sender that is no join': { event: message, authEvents: [member(USER, 'leave', USER)] },
    },
  },
  {
    numbers: 'v1-5 5.3.1.8, v6-7 4.3.1.8, v8-11 4.4.1.8, v12 5.4.1.8',
    rule: 'the third-party invite that a token names is selected',
    refuse: {
      'a third-party invite without a key': {
        event: member(STRANGER, 'invite', MOD, { third_party_invite: { signed: { mxid: STRANGER, token: 't' } } }),
        authEvents: [joins(MOD), sets(MOD, 'm.room.third_party_invite', 't', {})],
      },
    },
  },
];
