import fc from 'fast-check';
import {
  type AuthDecision,
  authTypesForEvent,
  checkAuth,
  checkAuthEvents,
  type JsonObject,
  powerLevelsOf,
  roomVersionRules,
  stateTuple,
} from '../../src/index.js';
import { ADMIN, CREATOR, type Draft, event, MOD, ROOM, stateOf, USER } from './room-builder.js';
import { ALL_VERSIONS } from './rule-table.js';

const TYPES = [
  'm.room.create',
  'm.room.member',
  'm.room.join_rules',
  'm.room.power_levels',
  'm.room.third_party_invite',
  'm.room.aliases',
  'm.room.redaction',
  'm.room.message',
];

const KEYS = [
  'membership',
  'join_rule',
  'join_authorised_via_users_server',
  'third_party_invite',
  'users',
  'users_default',
  'events',
  'notifications',
  'ban',
  'creator',
  'additional_creators',
  'm.federate',
  'room_version',
  'public_key',
  'public_keys',
];

const VALUES = [
  'join',
  'invite',
  'leave',
  'ban',
  'knock',
  'public',
  'restricted',
  ADMIN,
  USER,
  '12',
  50,
  '50',
  null,
  true,
];

/** JSON that often has the shape that a rule looks for, and often not. */
const json = fc.oneof(
  { withCrossShrink: true },
  fc.constantFrom(...VALUES),
  fc.jsonValue({ maxDepth: 2 }),
  fc.dictionary(
    fc.constantFrom(ADMIN, MOD, USER, 'signed', 'mxid', 'token', 'signatures', 'x'),
    fc.jsonValue({ maxDepth: 1 }),
  ),
);
const content = fc.dictionary(fc.constantFrom(...KEYS), json) as fc.Arbitrary<JsonObject>;
const user = fc.constantFrom(CREATOR, ADMIN, MOD, USER);
const draft: fc.Arbitrary<Draft> = fc.record({
  type: fc.constantFrom(...TYPES),
  sender: user,
  content,
  state_key: fc.oneof(fc.constant(''), user, fc.constant('token'), fc.string()),
  redacts: fc.oneof(fc.constant('$x:b.example'), fc.string()),
  prev_events: fc.array(fc.constantFrom('$create', '$create:a.example', '$x'), { maxLength: 2 }),
});
const version = fc.constantFrom(...ALL_VERSIONS).map((id) => roomVersionRules(id)!);

function isDecision(decision: AuthDecision): boolean {
  if (decision.allowed) return true;
  return /^\d+(\.\d+)*$/.test(decision.rule) && decision.reason.length > 0;
}

describe('the authorisation rules', () => {
  it('decide about any event in any state, and a refusal bears the number of a rule', () => {
    fc.assert(
      fc.property(version, draft, fc.array(draft, { maxLength: 6 }), (rules, subject, given) => {
        expect(isDecision(checkAuth(event(subject, rules), stateOf([...ROOM, ...given], rules), rules))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('decide about any auth events', () => {
    fc.assert(
      fc.property(
        version,
        draft,
        fc.array(fc.oneof(draft, fc.constantFrom(...ROOM)), { maxLength: 5 }),
        (rules, subject, given) => {
          const authEvents = given.map((each) => event(each, rules));
          const decision = checkAuthEvents(event(subject, rules), authEvents, rules, {
            create: event(ROOM[0]!, rules),
          });
          expect(isDecision(decision)).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('look at nothing in the state but what the selection of auth events names, and m.room.create', () => {
    fc.assert(
      fc.property(version, draft, fc.array(draft, { maxLength: 6 }), (rules, subject, given) => {
        const tested = event(subject, rules);
        const selection = authTypesForEvent(tested.pdu, rules).map(([type, stateKey]) => stateTuple(type, stateKey));
        const named = new Set([...selection, stateTuple('m.room.create', '')]);
        const state = stateOf([...ROOM, ...given], rules);
        checkAuth(
          tested,
          (type, stateKey) => {
            expect(named).toContain(stateTuple(type, stateKey));
            return state(type, stateKey);
          },
          rules,
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('are not less willing towards an event whose sender has more power', () => {
    const levels = fc.integer({ min: -10, max: 110 });
    fc.assert(
      fc.property(
        version,
        fc.constantFrom('m.room.topic', 'm.room.message'),
        levels,
        levels,
        (rules, type, one, other) => {
          const sent: Draft = { type, sender: USER, content: {}, state_key: '' };
          const decisions = [Math.min(one, other), Math.max(one, other)].map((level) => {
            const power: Draft = { ...ROOM[1]!, content: { users: { [USER]: level } } };
            return checkAuth(event(sent, rules), stateOf([...ROOM, power], rules), rules).allowed;
          });
          expect(decisions).not.toEqual([true, false]);
        },
      ),
    );
  });

  it('read a number for every level out of any m.room.power_levels', () => {
    fc.assert(
      fc.property(version, content, fc.string(), (rules, levels, key) => {
        const read = powerLevelsOf(stateOf([ROOM[0]!, { ...ROOM[1]!, content: levels }], rules), rules);
        for (const level of [
          read.ban,
          read.kick,
          read.redact,
          read.invite,
          read.forUser(key),
          read.forEvent(key, true),
          read.notification(key),
        ]) {
          expect(Number.isInteger(level)).toBe(true);
        }
      }),
    );
  });
});
