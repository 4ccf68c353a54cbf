import fc from 'fast-check';
import {
  contentHash,
  eventIdOf,
  hasValidContentHash,
  InvalidPduError,
  type JsonObject,
  type Pdu,
  parseJson,
  type RoomVersionRules,
  referenceHash,
} from '../../src/index.js';
import { anyRules, pduOf, reordered } from '../support/arbitraries.js';
import { messagePdu } from '../support/pdus.js';
import { EVERY_VERSION, rulesOf, versions } from '../support/rules.js';

/** The signing vector of the appendices, of which the reference hashes were worked out with another implementation. */
const MINIMAL = {
  room_id: '!x:domain',
  sender: '@a:domain',
  origin: 'domain',
  origin_server_ts: 1000000,
  hashes: { sha256: '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos' },
  signatures: { domain: { 'ed25519:1': 'not covered' } },
  type: 'X',
  content: {},
  prev_events: [],
  auth_events: [],
  depth: 3,
  unsigned: { age_ts: 1000000 },
} as unknown as Pdu;

/** A member event in which every version of the redaction algorithm keeps something else. */
const MEMBER = {
  type: 'm.room.member',
  room_id: '!r:domain',
  sender: '@u:domain',
  state_key: '@u:domain',
  depth: 7,
  prev_events: ['$p'],
  auth_events: ['$a'],
  origin_server_ts: 1700000000000,
  hashes: { sha256: 'x'.repeat(43) },
  signatures: {},
  origin: 'domain',
  membership: 'join',
  prev_state: [],
  content: {
    membership: 'join',
    displayname: 'Zoë 🦓',
    join_authorised_via_users_server: '@v:domain',
    third_party_invite: { display_name: 'z', signed: { token: 't', mxid: '@u:domain' } },
  },
} as unknown as Pdu;

const CREATE = {
  type: 'm.room.create',
  sender: '@u:domain',
  state_key: '',
  depth: 1,
  prev_events: [],
  auth_events: [],
  origin_server_ts: 1700000000000,
  hashes: { sha256: 'y'.repeat(43) },
  signatures: {},
  content: { room_version: '12', additional_creators: ['@v:domain'], topic: '日本語' },
} as unknown as Pdu;

describe('the reference hash', () => {
  const cases: [string, Pdu, RoomVersionRules[], string][] = [
    ['of a minimal event keeps its origin', MINIMAL, versions(1, 10), '8yif6p8EqgoSten2BLje9ntKm720NyFLWQv9tn8memc'],
    ['of a minimal event loses its origin', MINIMAL, versions(11, 12), '70O/oKlXzFbkfu0KE88USi98DjSWrOELrPj+8tisl8I'],
    ['of a member event keeps the membership', MEMBER, versions(1, 8), 'CdqkN7uEUNHEd4fH30dxN6XKNAICtXhzKX6XH6/Qau4'],
    ['of a member event keeps who let it in', MEMBER, versions(9, 10), 'dsOQg1dGLf090LTVIc8iudveYxdLWnmWbhg4bSRPm+Q'],
    [
      'of a member event keeps what was signed',
      MEMBER,
      versions(11, 12),
      'ij53t+pXnX3uUv+7kFzQ2xN2yjQdYH6on9eZBHsAjPc',
    ],
    ['of a create event covers its content', CREATE, versions(11, 12), 'I8ow97KoFJDIJMIm7FIrnMsCzU9xGFx7iIoxLvmGVKE'],
  ];

  it.each(cases.flatMap(([title, pdu, all, hash]) => all.map((rules) => [title, rules.id, pdu, rules, hash] as const)))(
    '%s in version %s',
    (_title, _version, pdu, rules, hash) => {
      expect(referenceHash(pdu, rules)).toBe(hash);
    },
  );
});

describe('the event id', () => {
  it.each(versions(1, 2))('is the one that the event carries in version $id', (rules) => {
    expect(eventIdOf(messagePdu(rules), rules)).toBe('$message:example.org');
    const { event_id: _none, ...nameless } = messagePdu(rules);
    expect(() => eventIdOf(nameless, rules)).toThrow(InvalidPduError);
  });

  it('is the reference hash in base64 in version 3', () => {
    expect(eventIdOf(MEMBER, rulesOf('3'))).toBe('$CdqkN7uEUNHEd4fH30dxN6XKNAICtXhzKX6XH6/Qau4');
  });

  it.each(versions(4, 8))('is the reference hash in URL-safe base64 in version $id', (rules) => {
    expect(eventIdOf(MEMBER, rules)).toBe('$CdqkN7uEUNHEd4fH30dxN6XKNAICtXhzKX6XH6_Qau4');
  });

  it.each(versions(9, 10))('replaces every character that is not URL-safe in version $id', (rules) => {
    expect(eventIdOf(MEMBER, rules)).toBe('$dsOQg1dGLf090LTVIc8iudveYxdLWnmWbhg4bSRPm-Q');
  });

  it.each(versions(11, 12))('replaces them wherever they stand in version $id', (rules) => {
    expect(eventIdOf(MINIMAL, rules)).toBe('$70O_oKlXzFbkfu0KE88USi98DjSWrOELrPj-8tisl8I');
  });
});

describe('the content hash', () => {
  it('covers the whole event but hashes, signatures and unsigned', () => {
    expect(contentHash(MEMBER, rulesOf('10'))).toBe('Gg24z8PQTz/izwnmbpV/ZSNt5H6zhb9qcEcb2ggkCP8');
    expect(contentHash(MINIMAL, rulesOf('3'))).toBe('5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos');
  });

  it.each([
    '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos',
    '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos=',
    '5jM4wQpv6lnBo7CLIghJuHdW-s2CMBJPUOGOC89ncos',
  ])('is compared as bytes: %s', (sha256) => {
    expect(hasValidContentHash({ ...MINIMAL, hashes: { sha256 } }, rulesOf('3'))).toBe(true);
  });

  it.each(['', '???', '6jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos', 'AAAA'])('does not match %j', (sha256) => {
    expect(hasValidContentHash({ ...MINIMAL, hashes: { sha256 } }, rulesOf('3'))).toBe(false);
  });

  it('fails once anything in the event was changed', () => {
    expect(hasValidContentHash({ ...MINIMAL, content: { body: 'x' } }, rulesOf('3'))).toBe(false);
    expect(hasValidContentHash({ ...MINIMAL, more: 1 } as Pdu, rulesOf('3'))).toBe(false);
  });
});

describe('numbers of old rooms', () => {
  const event = (depth: string) =>
    parseJson(JSON.stringify({ ...MINIMAL, depth: 0 }).replace('"depth":0', `"depth":${depth}`)) as unknown as Pdu;

  it.each(versions(3, 5))('keeps a depth of 2^63 - 1 exactly in version $id', (rules) => {
    expect(eventIdOf(event('9223372036854775807'), rules)).not.toBe(eventIdOf(event('9223372036854775806'), rules));
    expect(contentHash(event('9223372036854775807'), rules)).not.toBe(contentHash(event('9223372036854775806'), rules));
  });
});

describe('properties of hashes, in every version', () => {
  it.each(EVERY_VERSION)('do not depend on the order of keys in version %s', (_id, rules) => {
    fc.assert(
      fc.property(pduOf(rules), (pdu) => {
        const other = reordered(pdu as unknown as JsonObject) as unknown as Pdu;

        expect(contentHash(other, rules)).toBe(contentHash(pdu, rules));
        expect(referenceHash(other, rules)).toBe(referenceHash(pdu, rules));
      }),
      { numRuns: 30 },
    );
  });

  it('do not depend on signatures and unsigned', () => {
    fc.assert(
      fc.property(
        anyRules.chain((rules) => pduOf(rules).map((pdu) => [pdu, rules] as const)),
        ([pdu, rules]) => {
          const other: Pdu = { ...pdu, signatures: {}, unsigned: { age: 5 } };

          expect(contentHash(other, rules)).toBe(contentHash(pdu, rules));
          expect(eventIdOf(other, rules)).toBe(eventIdOf(pdu, rules));
        },
      ),
    );
  });
});
