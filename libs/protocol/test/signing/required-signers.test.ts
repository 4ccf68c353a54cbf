import { InvalidIdentifierError, type JsonObject, requiredSigners } from '../../src/index.js';
import { messagePdu } from '../support/pdus.js';
import { EVERY_VERSION, versions } from '../support/rules.js';

const MEMBER = { type: 'm.room.member', state_key: '@bob:other.org', sender: '@alice:sender.org' };
const INVITE_BY_EMAIL = { membership: 'invite', third_party_invite: { signed: {} } };
const JOIN_LET_IN = { membership: 'join', join_authorised_via_users_server: '@carol:resident.org' };

describe('the servers that must have signed', () => {
  it.each(versions(1, 2))('are those of the sender and of the event id in version $id', (rules) => {
    const sender = '@alice:sender.org';

    expect(requiredSigners(messagePdu(rules, { sender, event_id: '$1:sender.org' }), rules)).toEqual(['sender.org']);
    expect(requiredSigners(messagePdu(rules, { sender, event_id: '$1:event.org' }), rules)).toEqual([
      'sender.org',
      'event.org',
    ]);
  });

  it.each(versions(3, 12))('are the one of the sender in version $id', (rules) => {
    const sender = '@alice:sender.org:8448';

    expect(requiredSigners(messagePdu(rules, { sender, event_id: '$1:event.org' }), rules)).toEqual([
      'sender.org:8448',
    ]);
  });

  it.each(EVERY_VERSION)('do not include the sender of a third-party invite in version %s', (_id, rules) => {
    const event_id = rules.eventIdFormat === 'in-event' ? '$1:event.org' : undefined;
    const invite = messagePdu(rules, { ...MEMBER, event_id, content: INVITE_BY_EMAIL });

    expect(requiredSigners(invite, rules)).toEqual(event_id === undefined ? [] : ['event.org']);
  });

  it.each<[string, JsonObject]>([
    ['a join', { ...MEMBER, content: { ...INVITE_BY_EMAIL, membership: 'join' } }],
    ['a message', { ...MEMBER, type: 'm.room.message', content: INVITE_BY_EMAIL }],
    ['an invite with null', { ...MEMBER, content: { membership: 'invite', third_party_invite: null } }],
    ['an invite with a string', { ...MEMBER, content: { membership: 'invite', third_party_invite: 'x' } }],
    ['a plain invite', { ...MEMBER, content: { membership: 'invite' } }],
  ])('include the sender of %s', (_title, fields) => {
    for (const rules of versions(3, 12))
      expect(requiredSigners(messagePdu(rules, fields), rules)).toEqual(['sender.org']);
  });

  it.each(versions(8, 12))('include the one that let a member in, in version $id', (rules) => {
    const join = messagePdu(rules, { ...MEMBER, content: JOIN_LET_IN });

    expect(requiredSigners(join, rules)).toEqual(['sender.org', 'resident.org']);
    expect(requiredSigners(messagePdu(rules, { ...MEMBER, type: 'org.example', content: JOIN_LET_IN }), rules)).toEqual(
      ['sender.org'],
    );
  });

  it.each(versions(3, 7))('leave that key without meaning in version $id', (rules) => {
    expect(requiredSigners(messagePdu(rules, { ...MEMBER, content: JOIN_LET_IN }), rules)).toEqual(['sender.org']);
  });

  it.each([5, null, {}, '', 'carol', 'carol:resident.org', '@carol:'])(
    'cannot be told when a member was let in by %p',
    (who) => {
      for (const rules of versions(8, 12)) {
        const content = { membership: 'join', join_authorised_via_users_server: who };
        expect(() => requiredSigners(messagePdu(rules, { ...MEMBER, content }), rules)).toThrow(InvalidIdentifierError);
      }
    },
  );
});
