import { authTypesForEvent, type EventOutline, type JsonObject, roomVersionRules } from '../../src/index.js';
import { ADMIN, member, STRANGER, sends, sets, USER } from './room-builder.js';
import { ALL_VERSIONS, numbersByVersion } from './rule-table.js';

const POWER = 'm.room.power_levels ';
const SENDER = `m.room.member ${USER}`;
const JOIN_RULES = 'm.room.join_rules ';
const TARGET = `m.room.member ${STRANGER}`;

function selected(event: EventOutline, version: string): string[] {
  return authTypesForEvent(event, roomVersionRules(version)!).map(([type, stateKey]) => `${type} ${stateKey}`);
}

const signed = (token: JsonObject[string]) => ({ third_party_invite: { signed: { token } } });

const CASES: readonly (readonly [title: string, event: EventOutline, expected: readonly string[]])[] = [
  ['a message', sends(USER, 'm.room.message'), [POWER, SENDER]],
  ['other state', sets(USER, 'm.room.topic', '', {}), [POWER, SENDER]],
  ['state about another user', sets(USER, 'org.example.x', STRANGER, { membership: 'join' }), [POWER, SENDER]],
  ['a join', member(USER, 'join', USER), [POWER, SENDER, JOIN_RULES]],
  ['a join made by another', member(STRANGER, 'join', USER), [POWER, SENDER, TARGET, JOIN_RULES]],
  ['an invite', member(STRANGER, 'invite', USER), [POWER, SENDER, TARGET, JOIN_RULES]],
  ['a knock', member(USER, 'knock', USER), [POWER, SENDER, JOIN_RULES]],
  ['a leave', member(USER, 'leave', USER), [POWER, SENDER]],
  ['a kick', member(STRANGER, 'leave', USER), [POWER, SENDER, TARGET]],
  ['a ban', member(STRANGER, 'ban', USER), [POWER, SENDER, TARGET]],
  ['a membership without a state key', sends(USER, 'm.room.member', { membership: 'ban' }), [POWER, SENDER]],
  ['a membership of no kind', sets(USER, 'm.room.member', STRANGER, {}), [POWER, SENDER, TARGET]],
  [
    'an answer to a third-party invite',
    member(STRANGER, 'invite', USER, signed('t')),
    [POWER, SENDER, TARGET, JOIN_RULES, 'm.room.third_party_invite t'],
  ],
  [
    'a third-party token that is none',
    member(STRANGER, 'invite', USER, signed(1)),
    [POWER, SENDER, TARGET, JOIN_RULES],
  ],
  ['a join with a third-party token', member(USER, 'join', USER, signed('t')), [POWER, SENDER, JOIN_RULES]],
];

describe('authTypesForEvent', () => {
  describe.each(ALL_VERSIONS)('in version %s', (version) => {
    const create = version === '12' ? [] : ['m.room.create '];

    it.each(CASES)('selects what authorises %s', (_title, event, expected) => {
      expect(selected(event, version)).toEqual([...create, ...expected]);
    });

    it('selects nothing for m.room.create', () => {
      expect(selected(sets(USER, 'm.room.create', '', { membership: 'join' }), version)).toEqual([]);
    });
  });

  const authorises = (authoriser: string) => ({ join_authorised_via_users_server: authoriser });
  const authorised = (authoriser: string, membership = 'join', sender = USER) =>
    member(sender, membership, USER, authorises(authoriser));

  it.each([...numbersByVersion('v1-7, v8-12 1')])(
    'selects the user who authorises a join in version %s: %s',
    (version, known) => {
      const withAuthoriser = selected(authorised(ADMIN), version).slice(-1);
      expect(withAuthoriser).toEqual([known ? `m.room.member ${ADMIN}` : JOIN_RULES]);
    },
  );

  it.each([
    ['the sender', authorised(USER), JOIN_RULES],
    ['the target', authorised(STRANGER, 'join', STRANGER), JOIN_RULES],
    ['a sender who makes another join', member(STRANGER, 'join', USER, authorises(USER)), JOIN_RULES],
    ['somebody who authorises an invite', authorised(ADMIN, 'invite'), JOIN_RULES],
  ])('does not select %s as the one who authorises', (_title, event, last) => {
    expect(selected(event, '12').at(-1)).toBe(last);
  });
});
