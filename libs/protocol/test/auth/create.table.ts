import type { AuthCase } from './check-auth.js';
import { CREATOR, create } from './room-builder.js';
import type { Rule } from './rule-table.js';

/** Rule 1: m.room.create. */
export const CREATE_RULES: readonly Rule<AuthCase>[] = [
  {
    numbers: 'v1-12 1.1',
    rule: 'no previous events',
    allow: { 'the first event': { event: create(), state: [] } },
    refuse: { 'an event after another': { event: create({}, { prev_events: ['$other:a.example'] }), state: [] } },
  },
  {
    numbers: 'v1-11 1.2',
    rule: 'the room id has the domain of the sender',
    allow: { 'a room id of the sender’s server': { event: create({}, { room_id: '!r:a.example' }), state: [] } },
    refuse: {
      'a room id of another server': { event: create({}, { room_id: '!r:b.example' }), state: [] },
      'a room id without a server': { event: create({}, { room_id: '!r' }), state: [] },
      'no room id': { event: create({}, { room_id: null }), state: [] },
    },
  },
  {
    numbers: 'v12 1.2',
    rule: 'no room id',
    allow: { 'an event without a room id': { event: create(), state: [] } },
    refuse: { 'an event with a room id': { event: create({}, { room_id: '!r:a.example' }), state: [] } },
  },
  {
    numbers: 'v1-12 1.3',
    rule: 'a recognised room version',
    allow: {
      'a known version': { event: create({ room_version: '5' }), state: [] },
      'no version': { event: create(), state: [] },
    },
    refuse: {
      'a version that nobody knows': { event: create({ room_version: 'org.example.unknown' }), state: [] },
      'a version that is a number': { event: create({ room_version: 5 }), state: [] },
      'a version that is null': { event: create({ room_version: null }), state: [] },
      'what every object inherits': { event: create({ room_version: 'constructor' }), state: [] },
    },
  },
  {
    numbers: 'v1-10 1.4, v11-12',
    rule: 'content has a creator',
    allow: {
      'a creator': { event: create({ creator: CREATOR }), state: [] },
      'a creator of any shape': { event: create({ creator: null }), state: [] },
    },
    refuse: { 'no creator': { event: { ...create(), content: {} }, state: [] } },
  },
  {
    numbers: 'v1-11, v12 1.4',
    rule: 'additional_creators is a list of user ids',
    allow: {
      'a list of user ids': {
        event: create({ additional_creators: ['@one:a.example', '@two:b.example:8448'] }),
        state: [],
      },
      'an empty list': { event: create({ additional_creators: [] }), state: [] },
    },
    refuse: {
      'a list with a room id': {
        event: create({ additional_creators: ['@one:a.example', '!r:a.example'] }),
        state: [],
      },
      'a list with a number': { event: create({ additional_creators: [1] }), state: [] },
      'a single user id': { event: create({ additional_creators: '@one:a.example' }), state: [] },
      'an object': { event: create({ additional_creators: {} }), state: [] },
      null: { event: create({ additional_creators: null }), state: [] },
    },
  },
];
