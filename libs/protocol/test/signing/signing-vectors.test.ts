import {
  contentHash,
  decodeBase64,
  encodeBase64,
  hashAndSignEvent,
  hasValidContentHash,
  type JsonObject,
  ready,
  signEvent,
  signingKeyFromSeed,
  signJson,
  type UnsignedEvent,
  verifyEventSignature,
  verifyJsonSignature,
} from '../../src/index.js';
import { rulesOf } from '../support/rules.js';

/** The values of https://spec.matrix.org/v1.19/appendices/#cryptographic-test-vectors */
const SEED = 'YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1';
const SERVER_NAME = 'domain';
const KEY_ID = 'ed25519:1';

beforeAll(ready);

function signingKey() {
  return signingKeyFromSeed('1', decodeBase64(SEED));
}

describe('the JSON signing vectors of the appendices', () => {
  it.each<[title: string, given: JsonObject, signature: string]>([
    ['an empty object', {}, 'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ'],
    [
      'an object with data values',
      { one: 1, two: 'Two' },
      'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw',
    ],
  ])('%s', (_title, given, signature) => {
    const signed = signJson(given, SERVER_NAME, signingKey());

    expect(signed).toEqual({ ...given, signatures: { [SERVER_NAME]: { [KEY_ID]: signature } } });
    expect(verifyJsonSignature(signed, SERVER_NAME, KEY_ID, signingKey().publicKey)).toBe(true);
  });
});

const MINIMAL = {
  room_id: '!x:domain',
  sender: '@a:domain',
  origin: 'domain',
  origin_server_ts: 1000000,
  signatures: {},
  hashes: {},
  type: 'X',
  content: {},
  prev_events: [],
  auth_events: [],
  depth: 3,
  unsigned: { age_ts: 1000000 },
};

const WITH_REDACTABLE_CONTENT = {
  content: { body: 'Here is the message content' },
  event_id: '$0:domain',
  origin: 'domain',
  origin_server_ts: 1000000,
  type: 'm.room.message',
  room_id: '!r:domain',
  sender: '@u:domain',
  signatures: {},
  unsigned: { age_ts: 1000000 },
};

describe('the event signing vectors of the appendices', () => {
  it('a minimally-sized event', () => {
    const { pdu } = hashAndSignEvent(MINIMAL as UnsignedEvent, rulesOf('3'), SERVER_NAME, signingKey());

    expect(pdu).toEqual({
      ...MINIMAL,
      hashes: { sha256: '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos' },
      signatures: {
        domain: {
          'ed25519:1': 'KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg',
        },
      },
    });
  });

  it('an event with redactable content', () => {
    const { eventId, pdu } = hashAndSignEvent(
      WITH_REDACTABLE_CONTENT as unknown as UnsignedEvent,
      rulesOf('1'),
      SERVER_NAME,
      signingKey(),
    );

    expect(eventId).toBe('$0:domain');
    expect(pdu).toEqual({
      ...WITH_REDACTABLE_CONTENT,
      hashes: { sha256: 'onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g' },
      signatures: {
        domain: {
          'ed25519:1': 'Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA',
        },
      },
    });
  });

  it.each([
    ['minimal', MINIMAL, rulesOf('3')],
    ['with redactable content', WITH_REDACTABLE_CONTENT, rulesOf('1')],
  ])('what is signed verifies, and signing again adds nothing: %s', (_title, event, rules) => {
    const key = signingKey();
    const { pdu } = hashAndSignEvent(event as unknown as UnsignedEvent, rules, SERVER_NAME, key);

    expect(contentHash(pdu, rules)).toBe(pdu.hashes.sha256);
    expect(hasValidContentHash(pdu, rules)).toBe(true);
    expect(verifyEventSignature(pdu, rules, SERVER_NAME, KEY_ID, key.publicKey)).toBe(true);
    expect(signEvent(pdu, rules, SERVER_NAME, key)).toEqual(pdu);
  });
});

describe('the unpadded base64 examples of the appendices', () => {
  it.each([
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg'],
    ['fooba', 'Zm9vYmE'],
    ['foobar', 'Zm9vYmFy'],
  ])('UNPADDED_BASE64(%j) = %j', (text, base64) => {
    expect(encodeBase64(Buffer.from(text))).toBe(base64);
    expect(Buffer.from(decodeBase64(base64)).toString()).toBe(text);
  });
});
