import fc from 'fast-check';
import {
  canonicalJsonString,
  eventIdOf,
  examinePdu,
  generateSigningKey,
  hashAndSignEvent,
  hasValidContentHash,
  InThreadVerifier,
  InvalidPduError,
  type JsonObject,
  type Pdu,
  PduTooLargeError,
  parseJson,
  parsePdu,
  type RoomVersionRules,
  ready,
  redactEvent,
  type SigningKey,
  signEvent,
  type UnsignedEvent,
  verifyEventSignatures,
  verifyManyEventSignatures,
} from '../../src/index.js';
import { anyRules, canonicalValue, pduOf } from '../support/arbitraries.js';
import { messagePdu } from '../support/pdus.js';
import { EVERY_VERSION, rulesOf, versions } from '../support/rules.js';

let key: SigningKey;

beforeAll(async () => {
  await ready();
  key = generateSigningKey('a');
});

const keys = () => ({ publicKey: key.publicKey, validUntilTs: Number.MAX_SAFE_INTEGER });

function signed(rules: RoomVersionRules, fields: JsonObject = {}): { eventId: string; pdu: Pdu } {
  return hashAndSignEvent(messagePdu(rules, fields) as UnsignedEvent, rules, 'example.org', key);
}

describe.each(EVERY_VERSION)('an event of version %s', (_version, rules) => {
  it('is taken as it was made, from text or from what the text says', () => {
    const { eventId, pdu } = signed(rules);
    for (const received of [JSON.stringify(pdu), parseJson(JSON.stringify(pdu))]) {
      expect(examinePdu(received, rules)).toMatchObject({ eventId, pdu, roomId: pdu.room_id, hashOk: true });
    }
  });

  it('is taken redacted when its content was changed, and stays the same event', () => {
    const { eventId, pdu } = signed(rules);
    const examined = examinePdu({ ...pdu, content: { body: 'something else' }, unsigned: { age: 1 } }, rules);
    expect(examined).toMatchObject({ eventId, hashOk: false });
    expect(examined.pdu).toEqual(redactEvent(pdu, rules));
  });

  it('has its signatures checked with the bytes that were found, as good as with those found anew', async () => {
    const { pdu } = signed(rules);
    for (const received of [pdu, { ...pdu, content: {} }]) {
      const { pdu: taken, essential } = examinePdu(received, rules);
      expect(verifyEventSignatures(taken, rules, keys, essential)).toEqual({ signed: true });
      const events = [{ pdu: taken, rules, essential }];
      expect(await verifyManyEventSignatures(events, keys, new InThreadVerifier())).toEqual([{ signed: true }]);
    }
  });

  it('is not signed when an essential field was changed', () => {
    const { pdu, essential } = examinePdu({ ...signed(rules).pdu, depth: 13 }, rules);
    const reason = 'the signature of example.org is not valid';
    expect(verifyEventSignatures(pdu, rules, keys, essential)).toEqual({ signed: false, reason });
  });
});

describe('the room of an event', () => {
  it('is what an m.room.create event of version 12 makes', () => {
    const create = { type: 'm.room.create', state_key: '', room_id: undefined, prev_events: [], auth_events: [] };
    const { eventId, pdu } = signed(rulesOf('12'), create);
    expect(examinePdu(pdu, rulesOf('12')).roomId).toBe(`!${eventId.slice(1)}`);
  });
});

describe('what is no event', () => {
  it.each([
    ['text that is not JSON', '{"type":', 'is not JSON: '],
    ['text that is no object', '[]', 'is not an object'],
    ['no object', 5, 'is not an object'],
    ['an object without a type', {}, 'type is not a string'],
    ['a float', '{"depth":1.0}', 'is not canonical JSON: 1.0'],
  ])('is refused for what it is: %s', (_title, received, reason) => {
    expect(() => examinePdu(received, rulesOf('12'))).toThrow(InvalidPduError);
    expect(() => examinePdu(received, rulesOf('12'))).toThrow(reason);
  });

  it.each([
    ['of one byte', 'x'],
    ['of two bytes', 'é'],
    ['of three bytes', '€'],
    ['of four bytes', '🦓'],
  ])('is refused for having a byte more than 65,536, in letters %s', (_title, letter) => {
    const rules = rulesOf('12');
    const { pdu } = signed(rules, { content: { body: '' } });
    const left = 65_536 - new TextEncoder().encode(canonicalJsonString(pdu as unknown as JsonObject)).length;
    const width = new TextEncoder().encode(letter).length;
    const body = letter.repeat(Math.floor(left / width)) + 'x'.repeat(left % width);
    expect(examinePdu({ ...pdu, content: { body } }, rules).hashOk).toBe(false);
    const tooLarge = { ...pdu, content: { body: `${body}x` } };
    expect(() => examinePdu(tooLarge, rules)).toThrow(new PduTooLargeError('', 'has 65537 bytes, more than 65536'));
  });

  it('is refused for the size of what no hash covers', () => {
    const { pdu } = signed(rulesOf('12'));
    const unsigned = { x: 'x'.repeat(65_536) };
    expect(() => examinePdu({ ...pdu, unsigned }, rulesOf('12'))).toThrow(PduTooLargeError);
  });
});

describe.each(versions(1, 5))('numbers that JavaScript cannot hold, in version $id,', (rules) => {
  const literals = '"content":{"users":{"@a:a":50.0},"body":{"x":[1e1,-0,12345678901234567890]},"events":{"x":1.5}}';
  const made = () => {
    const draft = messagePdu(rules, { type: 'm.room.power_levels', state_key: '', content: { marker: 1 } });
    const text = JSON.stringify(draft).replace('"content":{"marker":1}', literals);
    const { pdu } = hashAndSignEvent(parseJson(text) as unknown as UnsignedEvent, rules, 'example.org', key);
    const { content: _content, ...rest } = pdu;
    return {
      pdu,
      text: JSON.stringify({ content: { marker: 1 }, ...rest }).replace('"content":{"marker":1}', literals),
    };
  };

  it('are hashed as their sender wrote them', () => {
    const { pdu, text } = made();
    const examined = examinePdu(text, rules);
    expect(examined).toMatchObject({ hashOk: true, eventId: eventIdOf(pdu, rules) });
    expect(verifyEventSignatures(examined.pdu, rules, keys, examined.essential)).toEqual({ signed: true });
  });

  it('are still known of what redaction leaves', () => {
    const { pdu, text } = made();
    const changed = examinePdu(text.replace('"x":1.5', '"x":1.5,"y":2').replace('"body":{', '"body":{"z":1,'), rules);
    expect(changed.hashOk).toBe(false);
    const again = examinePdu(text.replace('"body":{', '"body":{"z":1,'), rules);
    expect(again).toMatchObject({ hashOk: false, eventId: eventIdOf(pdu, rules) });
    expect(verifyEventSignatures(again.pdu, rules, keys)).toEqual({ signed: true });
    expect(verifyEventSignatures(changed.pdu, rules, keys)).toMatchObject({ signed: false });
  });
});

/** A third-party invite needs no signature of its sender. Redaction makes a plain invite of it up to version 10. */
describe.each(versions(1, 10))('a forged invite, in version $id,', (rules) => {
  it('is not taken for signed because it looked like a third-party invite when it came', () => {
    const forged = messagePdu(rules, {
      type: 'm.room.member',
      state_key: '@mallory:example.com',
      content: { membership: 'invite', third_party_invite: {} },
      ...(rules.eventIdFormat === 'in-event' && { event_id: '$forged:example.com' }),
    });
    const received = signEvent({ ...forged, signatures: {} }, rules, 'example.com', key);
    const { pdu, essential } = examinePdu(received, rules);
    expect(pdu.content).toEqual({ membership: 'invite' });
    const verdict = verifyEventSignatures(pdu, rules, keys, essential);
    expect(verdict).toEqual({ signed: false, reason: 'not signed by example.org' });
  });
});

describe('an examination', () => {
  const event = anyRules.chain((rules) => fc.tuple(fc.constant(rules), pduOf(rules)));

  it('comes to what its parts come to one by one', () => {
    const property = fc.property(event, canonicalValue, ([rules, given], unsigned) => {
      const received = { ...given, unsigned: { unsigned } };
      const hashed = hashAndSignEvent(received as UnsignedEvent, rules, 'example.org', key).pdu;
      for (const each of [received, hashed] as Pdu[]) expectSame(each, rules);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('refuses what parsing refuses, with the same words', () => {
    const field = fc.constantFrom(
      'type',
      'sender',
      'room_id',
      'event_id',
      'state_key',
      'content',
      'depth',
      'unsigned',
      'auth_events',
      'prev_events',
      'hashes',
      'signatures',
      'origin_server_ts',
      'redacts',
    );
    const value = fc.oneof(
      canonicalValue,
      fc.constantFrom(1.5, '\ud800', 2 ** 60, 'x'.repeat(256), 'x'.repeat(66_000)),
    );
    const property = fc.property(event, field, value, ([rules, given], name, wrong) => {
      const received = { ...given, [name]: wrong };
      expect(outcome(() => examinePdu(received, rules) && 'an event')).toEqual(
        outcome(() => parsePdu(received, rules) && 'an event'),
      );
    });
    fc.assert(property, { numRuns: 1000 });
  });
});

function expectSame(pdu: Pdu, rules: RoomVersionRules): void {
  const examined = examinePdu(pdu, rules);
  expect(examined.hashOk).toBe(hasValidContentHash(pdu, rules));
  expect(examined.pdu).toEqual(examined.hashOk ? pdu : redactEvent(pdu, rules));
  expect(examined.eventId).toBe(eventIdOf(pdu, rules));
  const redacted = redactEvent({ ...pdu, signatures: undefined } as unknown as Pdu, rules);
  expect(new TextDecoder().decode(examined.essential)).toBe(
    canonicalJsonString(redacted as unknown as JsonObject, { strict: rules.strictCanonicalJson }),
  );
}

function outcome(call: () => string): string {
  try {
    return call();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidPduError);
    return (error as Error).message;
  }
}
