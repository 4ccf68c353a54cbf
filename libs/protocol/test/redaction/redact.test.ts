import fc from 'fast-check';
import {
  eventIdOf,
  type JsonObject,
  keysKeptByRedaction,
  type Pdu,
  type RoomVersionRules,
  redactContent,
  redactEvent,
} from '../../src/index.js';
import { pduOf } from '../support/arbitraries.js';
import { messagePdu } from '../support/pdus.js';
import { EVERY_VERSION, versions } from '../support/rules.js';

const ALL_LEVELS = {
  ban: 1,
  events: { 'm.room.name': 2 },
  events_default: 3,
  invite: 4,
  kick: 5,
  notifications: { room: 6 },
  redact: 7,
  state_default: 8,
  users: { '@a:b': 9 },
  users_default: 10,
};

const { invite: _invite, notifications: _notifications, ...LEVELS } = ALL_LEVELS;
const { notifications: _alsoNotifications, ...LEVELS_WITH_INVITE } = ALL_LEVELS;

const SIGNED = { mxid: '@a:b', token: 't', signatures: {} };

const MEMBERSHIP = { membership: 'join' };
const LET_IN = { ...MEMBERSHIP, join_authorised_via_users_server: '@c:d' };
const MEMBER = {
  ...LET_IN,
  displayname: 'A',
  reason: 'r',
  third_party_invite: { display_name: 'a', signed: SIGNED, x: 1 },
};

const CREATE = {
  creator: '@a:b',
  room_version: '11',
  'm.federate': false,
  predecessor: {},
  additional_creators: ['@c:d'],
};

const JOIN_RULE = { join_rule: 'restricted' };
const JOIN_RULES = { ...JOIN_RULE, allow: [{ type: 'm.room_membership', room_id: '!r:b' }] };

/** What each version keeps of a content, as in its section on redactions. */
const CONTENTS: readonly (readonly [type: string, from: number, to: number, given: JsonObject, kept: JsonObject])[] = [
  ['m.room.member', 1, 8, { ...MEMBER, more: 1 }, MEMBERSHIP],
  ['m.room.member', 9, 10, { ...MEMBER, more: 1 }, LET_IN],
  ['m.room.member', 11, 12, { ...MEMBER, more: 1 }, { ...LET_IN, third_party_invite: { signed: SIGNED } }],
  ['m.room.member', 11, 12, { ...MEMBERSHIP, third_party_invite: { x: 1 } }, { ...MEMBERSHIP, third_party_invite: {} }],
  ['m.room.member', 11, 12, { ...MEMBERSHIP, third_party_invite: 'x' }, MEMBERSHIP],
  ['m.room.member', 11, 12, { ...MEMBERSHIP, third_party_invite: null }, MEMBERSHIP],
  ['m.room.member', 11, 12, { ...MEMBERSHIP, third_party_invite: [SIGNED] }, MEMBERSHIP],
  ['m.room.create', 1, 10, { ...CREATE, more: 1 }, { creator: '@a:b' }],
  ['m.room.create', 11, 12, { ...CREATE, more: 1 }, { ...CREATE, more: 1 }],
  ['m.room.join_rules', 1, 7, { ...JOIN_RULES, more: 1 }, JOIN_RULE],
  ['m.room.join_rules', 8, 12, { ...JOIN_RULES, more: 1 }, JOIN_RULES],
  ['m.room.power_levels', 1, 10, { ...ALL_LEVELS, more: 1 }, LEVELS],
  ['m.room.power_levels', 11, 12, { ...ALL_LEVELS, more: 1 }, LEVELS_WITH_INVITE],
  ['m.room.aliases', 1, 5, { aliases: ['#a:b'], more: 1 }, { aliases: ['#a:b'] }],
  ['m.room.aliases', 6, 12, { aliases: ['#a:b'], more: 1 }, {}],
  ['m.room.history_visibility', 1, 12, { history_visibility: 'shared', more: 1 }, { history_visibility: 'shared' }],
  ['m.room.redaction', 1, 10, { redacts: '$a', reason: 'r' }, {}],
  ['m.room.redaction', 11, 12, { redacts: '$a', reason: 'r' }, { redacts: '$a' }],
  ['m.room.message', 1, 12, { body: 'b', membership: 'join', creator: '@a:b', redacts: '$a' }, {}],
  ['m.room.topic', 1, 12, { topic: 't' }, {}],
  ['constructor', 1, 12, { constructor: 1, __proto__: null }, {}],
];

describe('the content of a redacted event', () => {
  const rows = CONTENTS.flatMap(([type, from, to, given, kept]) =>
    versions(from, to).map((rules) => [type, rules.id, JSON.stringify(given), rules, given, kept] as const),
  );

  it.each(rows)('%s in version %s, of %s', (type, _id, _text, rules, given, kept) => {
    expect(redactContent(type, given, rules)).toEqual(kept);
    expect(redactContent(type, {}, rules)).toEqual({});
  });

  it.each(EVERY_VERSION)('keeps what has the right name whatever its type in version %s', (_id, rules) => {
    for (const value of [null, 5, [], {}, false]) {
      expect(redactContent('m.room.history_visibility', { history_visibility: value }, rules)).toEqual({
        history_visibility: value,
      });
    }
  });
});

const ESSENTIAL = {
  event_id: '$message:example.org',
  type: 'm.room.topic',
  room_id: '!r:example.org',
  sender: '@alice:example.org',
  state_key: '',
  hashes: { sha256: 'x', other: 'y' },
  signatures: { 'example.org': { 'ed25519:a': 'z' } },
  depth: 5,
  prev_events: ['$a'],
  auth_events: ['$b'],
  origin_server_ts: 6,
};

const KEPT_BEFORE_V11 = { origin: 'example.org', membership: 'join', prev_state: [] };

const NEVER_KEPT = { redacts: '$a', unsigned: { age: 1 }, replaces_state: '$a', prev_content: {}, user_id: '@a:b' };

describe('the top level of a redacted event', () => {
  const whole = { ...ESSENTIAL, ...KEPT_BEFORE_V11, ...NEVER_KEPT, content: { topic: 'gone' } } as unknown as Pdu;

  it.each(versions(1, 10))('keeps origin, membership and prev_state in version $id', (rules) => {
    expect(redactEvent(whole, rules)).toEqual({ ...ESSENTIAL, ...KEPT_BEFORE_V11, content: {} });
  });

  it.each(versions(11, 12))('keeps only what the protocol needs in version $id', (rules) => {
    expect(redactEvent(whole, rules)).toEqual({ ...ESSENTIAL, content: {} });
  });

  it.each(EVERY_VERSION)('is told by keysKeptByRedaction in version %s', (_id, rules) => {
    expect([...keysKeptByRedaction(rules)].sort()).toEqual(Object.keys(redactEvent(whole, rules)).sort());
  });

  it.each(EVERY_VERSION)('gains nothing that was not there in version %s', (_id, rules) => {
    const plain = messagePdu(rules);

    expect(redactEvent(plain, rules)).toEqual({ ...plain, content: {} });
  });

  it('leaves the event itself as it was', () => {
    const before = structuredClone(whole);
    for (const rules of versions(1, 12)) redactEvent(whole, rules);

    expect(whole).toEqual(before);
  });
});

describe.each(EVERY_VERSION)('properties of redaction in version %s', (_id, rules: RoomVersionRules) => {
  it('redacting twice is redacting once', () => {
    fc.assert(
      fc.property(pduOf(rules), (pdu) => {
        const once = redactEvent(pdu, rules);

        expect(redactEvent(once, rules)).toEqual(once);
      }),
      { numRuns: 40 },
    );
  });

  it('keeps the event id', () => {
    fc.assert(
      fc.property(pduOf(rules), (pdu) => {
        expect(eventIdOf(redactEvent(pdu, rules), rules)).toBe(eventIdOf(pdu, rules));
      }),
      { numRuns: 40 },
    );
  });
});
