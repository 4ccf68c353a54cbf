import {
  canonicalJsonString,
  clientEvent,
  federationEvent,
  InvalidPduError,
  isInStrippedState,
  type JsonObject,
  nextDepth,
  type Pdu,
  parseJson,
  type RoomEvent,
  type RoomVersionRules,
  redactEvent,
  redactedEventId,
  redactSyncEvent,
  strippedState,
  syncEvent,
} from '../../src/index.js';
import { messagePdu } from '../support/pdus.js';
import { EVERY_VERSION, rulesOf, versions } from '../support/rules.js';

function roomEvent(rules: RoomVersionRules, fields: JsonObject = {}): RoomEvent {
  return { eventId: '$id', roomId: '!room', rejected: false, pdu: messagePdu(rules, fields) };
}

const IN_SYNC = {
  event_id: '$id',
  type: 'm.room.message',
  sender: '@alice:example.org',
  origin_server_ts: 1_700_000_000_000,
  content: { msgtype: 'm.text', body: 'Hello' },
};

describe.each(EVERY_VERSION)('the client format in version %s', (_id, rules) => {
  it('has what clients need and nothing else', () => {
    const event = roomEvent(rules, { unsigned: { age: 5, transaction_id: 'foreign' }, 'org.example': 1, origin: 'x' });

    expect(syncEvent(event, { rules })).toEqual(IN_SYNC);
    expect(clientEvent(event, { rules })).toEqual({ ...IN_SYNC, room_id: '!room' });
  });

  it('has a state key when it is a state event, also an empty one', () => {
    expect(clientEvent(roomEvent(rules, { state_key: '' }), { rules })).toHaveProperty('state_key', '');
    expect(clientEvent(roomEvent(rules), { rules })).not.toHaveProperty('state_key');
  });

  it('has the unsigned part that this server gives it', () => {
    const unsigned = { age: 7, transaction_id: 'mine' };

    expect(clientEvent(roomEvent(rules, { unsigned: { age: 5 } }), { rules, unsigned })).toHaveProperty(
      'unsigned',
      unsigned,
    );
  });

  it('gives the create event its room id', () => {
    const create = roomEvent(rules, { type: 'm.room.create', state_key: '', room_id: undefined });

    expect(clientEvent(create, { rules })).toHaveProperty('room_id', '!room');
  });
});

describe('a redaction', () => {
  const redaction = (rules: RoomVersionRules, top: unknown, inContent: unknown) =>
    roomEvent(rules, {
      type: 'm.room.redaction',
      content: { reason: 'r', ...(inContent !== undefined && { redacts: inContent }) },
      ...(top !== undefined && { redacts: top }),
    } as JsonObject);

  it.each(versions(1, 10))(
    'says at the top what it redacts in version $id, and clients are told in content too',
    (rules) => {
      const event = redaction(rules, '$target', '$other');

      expect(redactedEventId(event.pdu, rules)).toBe('$target');
      expect(clientEvent(event, { rules })).toMatchObject({
        redacts: '$target',
        content: { redacts: '$target', reason: 'r' },
      });
      expect(redactedEventId(redaction(rules, undefined, '$other').pdu, rules)).toBeUndefined();
    },
  );

  it.each(versions(11, 12))(
    'says in content what it redacts in version $id, and clients are told at the top too',
    (rules) => {
      const event = redaction(rules, '$other', '$target');

      expect(redactedEventId(event.pdu, rules)).toBe('$target');
      expect(clientEvent(event, { rules })).toMatchObject({
        redacts: '$target',
        content: { redacts: '$target', reason: 'r' },
      });
      expect(redactedEventId(redaction(rules, '$other', undefined).pdu, rules)).toBeUndefined();
    },
  );

  it.each(EVERY_VERSION)('of nothing is shown without a target in version %s', (_id, rules) => {
    const event = redaction(rules, 5, 5);

    expect(redactedEventId(event.pdu, rules)).toBeUndefined();
    expect(clientEvent(event, { rules })).not.toHaveProperty('redacts');
  });

  it.each(EVERY_VERSION)('is only what is called so in version %s', (_id, rules) => {
    const event = roomEvent(rules, { redacts: '$target', content: { redacts: '$target' } });

    expect(redactedEventId(event.pdu, rules)).toBeUndefined();
    expect(clientEvent(event, { rules })).not.toHaveProperty('redacts');
  });

  it('leaves the event itself as it was', () => {
    const event = redaction(rulesOf('10'), '$target', undefined);
    clientEvent(event, { rules: rulesOf('10') });

    expect(event.pdu.content).toEqual({ reason: 'r' });
  });
});

describe.each(EVERY_VERSION)('a redacted event in the client format of version %s', (_id, rules) => {
  it.each<[string, JsonObject]>([
    ['a message', {}],
    ['a member', { type: 'm.room.member', state_key: '@alice:example.org', content: { membership: 'join', x: 1 } }],
    ['a redaction', { type: 'm.room.redaction', redacts: '$target', content: { redacts: '$target', reason: 'r' } }],
    ['what only looks like a redaction', { redacts: '$target', content: { redacts: '$target' } }],
  ])('is what is left of %s', (_title, fields) => {
    const event = roomEvent(rules, fields);
    const left = { ...event, pdu: redactEvent(event.pdu, rules) };

    expect(redactSyncEvent(syncEvent(event, { rules }), rules)).toEqual(syncEvent(left, { rules }));
  });
});

describe('what of the state is shown as stripped state', () => {
  const people = new Set(['@alice:example.org']);

  it.each(['create', 'name', 'avatar', 'topic', 'join_rules', 'canonical_alias', 'encryption'])(
    'has m.room.%s, without a state key',
    (name) => {
      expect(isInStrippedState(`m.room.${name}`, '', people)).toBe(true);
      expect(isInStrippedState(`m.room.${name}`, '@alice:example.org', people)).toBe(false);
    },
  );

  it('has the members who matter', () => {
    expect(isInStrippedState('m.room.member', '@alice:example.org', people)).toBe(true);
    expect(isInStrippedState('m.room.member', '@bob:example.org', people)).toBe(false);
    expect(isInStrippedState('m.room.member', '', people)).toBe(false);
  });

  it.each(['m.room.power_levels', 'm.room.history_visibility', 'm.room.message', 'org.example.secret', 'constructor'])(
    'has no %s',
    (type) => {
      expect(isInStrippedState(type, '', people)).toBe(false);
    },
  );
});

describe('stripped state', () => {
  const STATE = { type: 'm.room.name', state_key: '', sender: '@alice:example.org', content: { name: 'Room' } };

  it('is four fields of an event', () => {
    expect(strippedState(messagePdu(rulesOf('11'), STATE))).toEqual(STATE);
    expect(strippedState({ ...STATE, unsigned: {}, event_id: '$x', origin_server_ts: 5 })).toEqual(STATE);
  });

  it.each(['type', 'state_key', 'sender', 'content'] as const)('is refused without %s', (field) => {
    const wrong = field === 'content' ? [null, [], 'x', undefined] : [null, 5, {}, undefined];
    for (const value of wrong) expect(() => strippedState({ ...STATE, [field]: value })).toThrow(InvalidPduError);
  });

  it.each([null, undefined, 5, 'x', []])('is not %p', (input) => {
    expect(() => strippedState(input)).toThrow(InvalidPduError);
  });
});

describe('the federation format', () => {
  it.each(EVERY_VERSION)('keeps all that is hashed and signed in version %s', (_id, rules) => {
    const pdu = messagePdu(rules, { origin: 'example.org', 'org.example': [1], state_key: '' });

    expect(federationEvent(pdu)).toEqual(pdu);
  });

  it('keeps of unsigned what is meant for servers', () => {
    const unsigned = {
      age: 5,
      invite_room_state: [],
      knock_room_state: [],
      transaction_id: 'secret',
      prev_content: {},
      redacted_because: {},
      membership: 'join',
    };
    const pdu = messagePdu(rulesOf('11'), { unsigned });

    expect(federationEvent(pdu).unsigned).toEqual({ age: 5, invite_room_state: [], knock_room_state: [] });
    expect(pdu.unsigned).toEqual(unsigned);
  });

  it('has no unsigned when nothing of it is for servers', () => {
    expect(federationEvent(messagePdu(rulesOf('11'), { unsigned: { transaction_id: 'secret' } }))).not.toHaveProperty(
      'unsigned',
    );
  });

  it('keeps numbers of old rooms as they were written', () => {
    const text = JSON.stringify(messagePdu(rulesOf('1'), { unsigned: { x: 1 } })).replace(
      '"depth":12',
      '"depth":9223372036854775807',
    );
    const pdu = federationEvent(parseJson(text) as unknown as Pdu);

    expect(canonicalJsonString(pdu as never, { strict: false })).toContain('"depth":9223372036854775807');
  });
});

describe('the depth of the next event', () => {
  it.each([
    [[], 1],
    [[0], 1],
    [[3, 7, 5], 8],
    [[Number.MAX_SAFE_INTEGER - 1], Number.MAX_SAFE_INTEGER],
    [[Number.MAX_SAFE_INTEGER], Number.MAX_SAFE_INTEGER],
    [[2 ** 63], Number.MAX_SAFE_INTEGER],
  ])('after %p is %i', (depths, next) => {
    expect(nextDepth(depths)).toBe(next);
  });
});
