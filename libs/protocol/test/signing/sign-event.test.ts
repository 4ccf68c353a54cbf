import {
  CanonicalJsonError,
  canonicalJsonString,
  eventIdOf,
  generateSigningKey,
  hashAndSignEvent,
  hasValidContentHash,
  InvalidPduError,
  type JsonObject,
  MAX_PDU_BYTES,
  PduTooLargeError,
  parsePdu,
  type RoomVersionRules,
  ready,
  type SigningKey,
  signEvent,
  signingKeyIds,
  type UnsignedEvent,
} from '../../src/index.js';
import { messagePdu } from '../support/pdus.js';
import { EVERY_VERSION, rulesOf, versions } from '../support/rules.js';

let key: SigningKey;

beforeAll(async () => {
  await ready();
  key = generateSigningKey('a');
});

function unsigned(rules: RoomVersionRules, fields: JsonObject = {}): UnsignedEvent {
  const { hashes: _hashes, signatures: _signatures, ...event } = messagePdu(rules, fields);
  return event;
}

const sign = (rules: RoomVersionRules, fields?: JsonObject) =>
  hashAndSignEvent(unsigned(rules, fields), rules, 'example.org', key);

describe.each(EVERY_VERSION)('an event that was hashed and signed in version %s', (_id, rules) => {
  it('is well-formed, has its hash and the id that others work out', () => {
    const { eventId, pdu } = sign(rules, { unsigned: { age: 1 } });

    expect(parsePdu(pdu, rules)).toBe(pdu);
    expect(hasValidContentHash(pdu, rules)).toBe(true);
    expect(eventIdOf(pdu, rules)).toBe(eventId);
  });

  it('is signed by its server alone, whatever was there before', () => {
    const stale = {
      ...unsigned(rules),
      hashes: { sha256: 'x', md5: 'y' },
      signatures: { 'b.org': { 'ed25519:b': 'z' } },
    };

    expect(hashAndSignEvent(stale, rules, 'example.org', key)).toEqual(sign(rules));
  });

  it('may fill the limit of its size and not pass it', () => {
    const size = (body: string) =>
      Buffer.byteLength(canonicalJsonString(sign(rules, { content: { body } }).pdu as never));
    const spare = MAX_PDU_BYTES - size('');

    expect(size('x'.repeat(spare))).toBe(MAX_PDU_BYTES);
    expect(() => sign(rules, { content: { body: 'x'.repeat(spare + 1) } })).toThrow(PduTooLargeError);
    expect(() => sign(rules, { content: { body: 'x'.repeat(spare) }, unsigned: {} })).toThrow(PduTooLargeError);
  });

  it('leaves the given event as it was', () => {
    const event = unsigned(rules);
    const before = structuredClone(event);
    hashAndSignEvent(event, rules, 'example.org', key);

    expect(event).toEqual(before);
  });
});

describe('an event that cannot be signed', () => {
  it.each(versions(6, 12))('holds a float in version $id', (rules) => {
    expect(() => sign(rules, { content: { n: 0.5 } })).toThrow(CanonicalJsonError);
  });

  it.each(versions(1, 2))('has no id in version $id', (rules) => {
    expect(() => sign(rules, { event_id: undefined })).toThrow(InvalidPduError);
  });
});

describe('a further signature', () => {
  it('stands beside the first and changes nothing else', () => {
    const rules = rulesOf('11');
    const { eventId, pdu } = sign(rules);
    const both = signEvent(pdu, rules, 'resident.org', generateSigningKey('b'));

    expect(signingKeyIds(both, 'example.org')).toEqual(['ed25519:a']);
    expect(signingKeyIds(both, 'resident.org')).toEqual(['ed25519:b']);
    expect(eventIdOf(both, rules)).toBe(eventId);
    expect({ ...both, signatures: pdu.signatures }).toEqual(pdu);
  });
});
