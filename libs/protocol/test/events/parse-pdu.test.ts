import fc from 'fast-check';
import {
  canonicalJsonString,
  InvalidPduError,
  type JsonValue,
  MAX_PDU_BYTES,
  type Pdu,
  PduTooLargeError,
  ProtocolError,
  parseJson,
  parsePdu,
  type RoomVersionRules,
} from '../../src/index.js';
import { anyRules, canonicalValue, pduOf } from '../support/arbitraries.js';
import { messagePdu, referenceTo } from '../support/pdus.js';
import { EVERY_VERSION, rulesOf, versions } from '../support/rules.js';

/** The field that the parser finds wrong, or undefined when it takes the event. */
function wrongField(rules: RoomVersionRules, fields: Record<string, unknown>): string | undefined {
  return wrongFieldOf(rules, { ...messagePdu(rules), ...fields });
}

function wrongFieldOf(rules: RoomVersionRules, input: unknown): string | undefined {
  try {
    parsePdu(input, rules);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidPduError) return error.field;
    throw error;
  }
}

function without(rules: RoomVersionRules, field: string): unknown {
  const { [field]: _gone, ...rest } = messagePdu(rules) as unknown as Record<string, unknown>;
  return rest;
}

const NO_STRINGS = [undefined, null, 5, true, [], {}];
const NO_OBJECTS = [undefined, null, 5, true, [], 'x'];

describe.each(EVERY_VERSION)('an event of version %s', (_id, rules) => {
  it('is returned as it is when all is well', () => {
    const pdu = messagePdu(rules);

    expect(parsePdu(pdu, rules)).toBe(pdu);
  });

  it('may be a state event, may carry unsigned and keys that nobody knows', () => {
    const fields = { state_key: '', unsigned: { age: 5 }, 'org.example': [null], origin: 5, membership: {} };

    expect(wrongField(rules, fields)).toBeUndefined();
  });

  it.each([
    'type',
    'sender',
    'content',
    'depth',
    'origin_server_ts',
    'prev_events',
    'auth_events',
    'hashes',
    'signatures',
  ])('must have %s', (field) => {
    expect(wrongFieldOf(rules, without(rules, field))).toBe(field);
  });

  it.each(['type', 'sender', 'room_id'])('must have a string for %s', (field) => {
    for (const value of NO_STRINGS) expect(wrongField(rules, { [field]: value })).toBe(field);
  });

  it('must have a string for a state key', () => {
    for (const value of NO_STRINGS.slice(1)) expect(wrongField(rules, { state_key: value })).toBe('state_key');
  });

  it.each(['content', 'hashes', 'signatures'])('must have an object for %s', (field) => {
    for (const value of NO_OBJECTS) expect(wrongField(rules, { [field]: value })).toBe(field);
  });

  it('must have an object for unsigned', () => {
    for (const value of NO_OBJECTS.slice(1)) expect(wrongField(rules, { unsigned: value })).toBe('unsigned');
  });

  it.each([
    'alice',
    '@alice',
    'alice:example.org',
    '@alice:',
    '@alice:exa mple',
    '@a\0b:example.org',
    '#a:example.org',
    '',
  ])('is not sent by %j', (sender) => {
    expect(wrongField(rules, { sender })).toBe('sender');
  });

  it.each(['@:example.org', '@Älice 🦓:example.org', '@alice:[::1]:8448', '@alice:1.2.3.4'])(
    'may be sent by %s',
    (sender) => {
      expect(wrongField(rules, { sender })).toBeUndefined();
    },
  );

  it.each(['room', '!room', '!room:', '!room:exa mple', '#room:example.org', '!', ''])(
    'is not of room %j',
    (room_id) => {
      expect(wrongField(rules, { room_id })).toBe('room_id');
    },
  );

  it.each(['type', 'state_key'])('has at most 255 bytes of %s; up to version 10, 255 code points', (field) => {
    const inBytes = rules.limitsKeysInBytes ? field : undefined;
    expect(wrongField(rules, { [field]: 'x'.repeat(255) })).toBeUndefined();
    expect(wrongField(rules, { [field]: 'é'.repeat(127) })).toBeUndefined();
    expect(wrongField(rules, { [field]: 'é'.repeat(128) })).toBe(inBytes);
    expect(wrongField(rules, { [field]: '🦓'.repeat(255) })).toBe(inBytes);
    for (const text of ['x', 'é', '🦓']) {
      expect(() => parsePdu(messagePdu(rules, { [field]: text.repeat(256) }), rules)).toThrow(PduTooLargeError);
    }
  });

  it('has at most 255 bytes of sender', () => {
    const sender = (length: number) => `@${'a'.repeat(length - 13)}:example.org`;

    expect(wrongField(rules, { sender: sender(255) })).toBeUndefined();
    expect(() => parsePdu(messagePdu(rules, { sender: sender(256) }), rules)).toThrow(PduTooLargeError);
  });

  it.each([
    ['prev_events', 20],
    ['auth_events', 10],
  ])('has for %s at most %i', (field, most) => {
    expect(wrongField(rules, { [field]: [] })).toBeUndefined();
    expect(wrongField(rules, { [field]: Array(most).fill(referenceTo(rules)) })).toBeUndefined();
    expect(wrongField(rules, { [field]: Array(most + 1).fill(referenceTo(rules)) })).toBe(field);
    const history = { ...messagePdu(rules), [field]: Array(most + 1).fill(referenceTo(rules)) };
    expect(parsePdu(history, rules, { manyReferences: true })).toBe(history);
    for (const value of [null, {}, 'x', 5]) expect(wrongField(rules, { [field]: value })).toBe(field);
  });

  it.each(['prev_events', 'auth_events'])('refers in %s to events only', (field) => {
    const otherForm = rules.eventIdFormat === 'in-event' ? '$other:example.org' : ['$other', { sha256: 'x' }];
    for (const reference of [null, 5, {}, 'other:example.org', '', [], `$${'x'.repeat(255)}`, otherForm]) {
      expect(wrongField(rules, { [field]: [referenceTo(rules), reference] })).toBe(`${field}[1]`);
    }
  });

  it.each([-1, 0.5, '5', null, undefined, 2 ** 63 * 2])('is not at depth %p', (depth) => {
    expect(wrongField(rules, { depth })).toMatch(/^(depth)?$/);
    expect(wrongField(rules, { depth: 0 })).toBeUndefined();
    expect(wrongField(rules, { depth: Number.MAX_SAFE_INTEGER })).toBeUndefined();
  });

  it.each([0.5, '5', null, undefined, {}])('was not sent at %p', (origin_server_ts) => {
    expect(wrongField(rules, { origin_server_ts })).toMatch(/^(origin_server_ts)?$/);
    expect(wrongField(rules, { origin_server_ts: -5 })).toBeUndefined();
  });

  it.each([{}, { sha256: 5 }, { sha256: null }, { md5: 'x' }])('is not hashed with %j', (hashes) => {
    expect(wrongField(rules, { hashes })).toBe('hashes');
  });

  it.each([
    [{ 'a.org': 'x' }, 'signatures.a.org'],
    [{ 'b.org': {}, 'a.org': { 'ed25519:a': 5 } }, 'signatures.a.org'],
    [{ 'a.org': null }, 'signatures.a.org'],
    [{ 'a.org': [] }, 'signatures.a.org'],
  ])('is not signed with %j', (signatures, field) => {
    expect(wrongField(rules, { signatures })).toBe(field);
  });

  it.each([null, undefined, 5, 'x', true, [], [messagePdu(rulesOf('11'))], () => 1])('is no %p', (input) => {
    expect(wrongFieldOf(rules, input)).toBe('');
  });

  it('has at most 65,536 bytes as canonical JSON, unsigned and signatures among them', () => {
    const spare =
      MAX_PDU_BYTES - Buffer.byteLength(canonicalJsonString(messagePdu(rules, { content: { body: '' } }) as never));
    const filled = (text: string) => messagePdu(rules, { content: { body: text } });

    expect(wrongFieldOf(rules, filled('x'.repeat(spare)))).toBeUndefined();
    expect(wrongFieldOf(rules, filled('é'.repeat(Math.floor(spare / 2))))).toBeUndefined();
    expect(() => parsePdu(filled('x'.repeat(spare + 1)), rules)).toThrow(PduTooLargeError);
    expect(() => parsePdu(filled('é'.repeat(Math.floor(spare / 2) + 1)), rules)).toThrow(PduTooLargeError);
    expect(() => parsePdu({ ...filled('x'.repeat(spare)), unsigned: {} }, rules)).toThrow('more than 65536');
  });

  it('is not nested without end', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`) as JsonValue;

    expect(wrongField(rules, { content: deep })).toBe('');
  });

  it('holds no half of a surrogate pair', () => {
    expect(wrongField(rules, { content: { body: '\ud800' } })).toBe('');
    expect(wrongField(rules, { state_key: '\udc00' })).toBe('');
  });
});

describe('numbers', () => {
  const read = (rules: RoomVersionRules, number: string) =>
    parseJson(JSON.stringify(messagePdu(rules, { content: { n: 'N' } })).replace('"N"', number));
  const ODD = ['1.5', '1.0', '1e3', '-0', '9007199254740992', '-9007199254740992', '9223372036854775807'];

  it.each(ODD)('such as %s are borne with in versions 1 to 5', (number) => {
    for (const rules of versions(1, 5)) expect(wrongFieldOf(rules, read(rules, number))).toBeUndefined();
  });

  it.each(ODD)('such as %s are refused from version 6 on', (number) => {
    for (const rules of versions(6, 12)) expect(wrongFieldOf(rules, read(rules, number))).toBe('');
  });

  it('such as the greatest depth of old rooms are taken there', () => {
    const atLimit = (rules: RoomVersionRules) =>
      parseJson(JSON.stringify(messagePdu(rules)).replace('"depth":12', '"depth":9223372036854775807'));

    for (const rules of versions(1, 5)) expect(wrongFieldOf(rules, atLimit(rules))).toBeUndefined();
    for (const rules of versions(6, 12)) expect(wrongFieldOf(rules, atLimit(rules))).toBe('');
  });
});

describe('the event id', () => {
  it.each(versions(1, 2))('is in the event in version $id', (rules) => {
    for (const value of NO_STRINGS) expect(wrongField(rules, { event_id: value })).toBe('event_id');
    for (const event_id of ['$x', 'x:example.org', '$x:', `$${'x'.repeat(255)}:a`]) {
      expect(wrongField(rules, { event_id })).toBe('event_id');
    }
  });

  it.each(versions(3, 12))('is a key that nobody knows in version $id', (rules) => {
    expect(wrongField(rules, { event_id: 5 })).toBeUndefined();
  });
});

describe('the room id', () => {
  const HASH = '!5jM4wQpv6lnBo7CLIghJuHdW-s2CMBJPUOGOC89ncos';
  const create = { type: 'm.room.create', state_key: '', content: { room_version: '12' } };

  it.each(versions(1, 11))('has a domain in version $id', (rules) => {
    expect(wrongField(rules, { room_id: HASH })).toBe('room_id');
    expect(wrongField(rules, { room_id: '!any thing:example.org:8448' })).toBeUndefined();
    expect(wrongField(rules, { ...create, room_id: undefined })).toBe('room_id');
  });

  it('is the hash of the create event in version 12', () => {
    const rules = rulesOf('12');

    expect(wrongField(rules, { room_id: HASH })).toBeUndefined();
    expect(wrongField(rules, { room_id: '!room:example.org' })).toBe('room_id');
    expect(wrongField(rules, { room_id: HASH.replace('-', '+') })).toBe('room_id');
  });

  it('may be absent from the create event of version 12, and from no other', () => {
    const rules = rulesOf('12');

    expect(wrongField(rules, { ...create, room_id: undefined })).toBeUndefined();
    expect(wrongField(rules, { ...create, room_id: undefined, state_key: undefined })).toBe('room_id');
    expect(wrongField(rules, { ...create, room_id: undefined, state_key: 'x' })).toBe('room_id');
    expect(wrongField(rules, { ...create, room_id: undefined, type: 'm.room.member' })).toBe('room_id');
  });
});

describe('redacts', () => {
  it.each(versions(1, 10))('is a short string at the top in version $id', (rules) => {
    for (const redacts of NO_STRINGS.slice(1)) expect(wrongField(rules, { redacts })).toBe('redacts');
    expect(wrongField(rules, { redacts: 'x'.repeat(256) })).toBe('redacts');
    expect(wrongField(rules, { redacts: '$x' })).toBeUndefined();
  });

  it.each(versions(11, 12))('has no meaning at the top in version $id', (rules) => {
    expect(wrongField(rules, { redacts: 5 })).toBeUndefined();
  });
});

describe('properties', () => {
  it('well-formed events of any content are taken', () => {
    fc.assert(
      fc.property(
        anyRules.chain((rules) => pduOf(rules).map((pdu) => [pdu, rules] as const)),
        ([pdu, rules]) => {
          expect(parsePdu(pdu, rules)).toBe(pdu);
        },
      ),
    );
  });

  it('nothing of any shape makes it throw anything but its own error', () => {
    const field = fc.constantFrom<keyof Pdu>(
      ...(Object.keys(messagePdu(rulesOf('1'))) as (keyof Pdu)[]),
      'state_key',
      'unsigned',
    );
    const hostile = fc.oneof(
      canonicalValue,
      fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }),
    );
    fc.assert(
      fc.property(anyRules, field, hostile, (rules, name, value) => {
        for (const input of [value, messagePdu(rules, { [name]: value as JsonValue })]) {
          try {
            parsePdu(input, rules);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
