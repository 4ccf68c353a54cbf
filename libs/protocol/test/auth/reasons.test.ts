import { checkAuth, type JsonObject, roomVersionRules } from '../../src/index.js';
import {
  ADMIN,
  type Draft,
  event,
  joinRule,
  joins,
  LEVELS,
  MOD,
  member,
  powerLevels,
  ROOM,
  STRANGER,
  sends,
  sets,
  stateOf,
  USER,
} from './room-builder.js';

const RULES = roomVersionRules('11')!;

const changes = (next: JsonObject) => powerLevels({ ...LEVELS, ...next }, MOD);
const authorisedBy = (userId: string) => ({
  ...joins(STRANGER, { join_authorised_via_users_server: userId }),
  signedBy: ['b.example'],
});

/** What an operator reads of a refusal: who is concerned, what they have, and what it takes. */
const REASONS: readonly (readonly [title: string, event: Draft, given: readonly Draft[], reason: string])[] = [
  [
    'a sender who was never there',
    sends(STRANGER, 'm.room.message'),
    [],
    `${STRANGER} is not in the room (membership leave)`,
  ],
  [
    'a sender who was banned',
    sends(USER, 'm.room.message'),
    [member(USER, 'ban', ADMIN)],
    `${USER} is not in the room (membership ban)`,
  ],
  [
    'too little power',
    sets(USER, 'm.room.topic', '', {}),
    [],
    `${USER} has power level 0 but m.room.topic requires 50`,
  ],
  [
    'a level that is changed',
    changes({ events: { x: 51 } }),
    [powerLevels({ ...LEVELS, events: { x: 20 } })],
    `${MOD}, who has power level 50, may not change x from 20 to 51`,
  ],
  [
    'a level that is added',
    changes({ events: { x: 51 } }),
    [],
    `${MOD}, who has power level 50, may not change x from unset to 51`,
  ],
  [
    'a level that is removed',
    changes({}),
    [powerLevels({ ...LEVELS, events: { x: 51 } })],
    `${MOD}, who has power level 50, may not change x from 51 to unset`,
  ],
  [
    'a restricted join that nobody authorises',
    joins(STRANGER),
    [joinRule('restricted')],
    `no user of the room authorises ${STRANGER} to join`,
  ],
  [
    'a restricted join authorised by who may not',
    authorisedBy(USER),
    [joinRule('restricted')],
    `${USER}, said to authorise ${STRANGER}, is not in the room or may not invite`,
  ],
];

describe('the reason of a refusal names what is at fault', () => {
  it.each(REASONS)('%s', (_title, draft, given, reason) => {
    const decision = checkAuth(event(draft, RULES), stateOf([...ROOM, ...given], RULES), RULES);
    expect(decision).toEqual({ allowed: false, rule: expect.any(String), reason });
  });
});
