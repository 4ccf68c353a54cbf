import { authEventIds, prevEventIds } from '../../src/index.js';
import { messagePdu } from '../support/pdus.js';
import { rulesOf, versions } from '../support/rules.js';

describe('the events that an event refers to', () => {
  it.each(versions(1, 2))('are pairs with hashes in version $id', (rules) => {
    const pdu = messagePdu(rules, {
      prev_events: [
        ['$a:b', { sha256: 'x' }],
        ['$c:d', {}],
      ],
      auth_events: [['$e:f', { sha256: 'y' }]],
    });

    expect(prevEventIds(pdu)).toEqual(['$a:b', '$c:d']);
    expect(authEventIds(pdu)).toEqual(['$e:f']);
  });

  it.each(versions(3, 12))('are ids in version $id', (rules) => {
    const pdu = messagePdu(rules, { prev_events: ['$a', '$b'], auth_events: ['$c'] });

    expect(prevEventIds(pdu)).toEqual(['$a', '$b']);
    expect(authEventIds(pdu)).toEqual(['$c']);
  });

  it('may be none', () => {
    const pdu = messagePdu(rulesOf('12'), { prev_events: [], auth_events: [] });

    expect([prevEventIds(pdu), authEventIds(pdu)]).toEqual([[], []]);
  });
});
