import fc from 'fast-check';
import {
  domainOf,
  exceedsIdentifierLimit,
  InvalidIdentifierError,
  isCompliantUserId,
  isNamespacedIdentifier,
  isOpaqueIdentifier,
  isStrictUserId,
  isValidDeviceId,
  isValidEventId,
  isValidKeyId,
  isValidLocalpart,
  isValidMxcUri,
  isValidRoomAlias,
  isValidRoomId,
  isValidScopeDeviceId,
  isValidServerKeyId,
  isValidUserId,
  ProtocolError,
  parseEventId,
  parseKeyId,
  parseMatrixTo,
  parseMatrixUri,
  parseMxcUri,
  parseRoomAlias,
  parseRoomId,
  parseServerName,
  parseUserId,
  utf8ByteLength,
} from '../../src/index.js';
import { text } from '../support/arbitraries.js';
import { rulesOf, versions } from '../support/rules.js';

const NO_STRINGS = [undefined, null, 5, {}, ['@alice:example.org']];
const HASH = '5jM4wQpv6lnBo7CLIghJuHdWAs2CMBJPUOGOC89ncos';
const longest = (sigil: string) => `${sigil}${'a'.repeat(255 - 13)}:example.org`;

describe('a user id', () => {
  it.each([
    ['@alice:example.org', 'alice', 'example.org', 'strict'],
    ['@a.b_c=d-e/f+0:example.org:8448', 'a.b_c=d-e/f+0', 'example.org:8448', 'strict'],
    ['@alice:[::1]:8448', 'alice', '[::1]:8448', 'strict'],
    ['@Alice!#$~:example.org', 'Alice!#$~', 'example.org', 'compliant'],
    ['@:example.org', '', 'example.org', 'historical'],
    ['@a b:example.org', 'a b', 'example.org', 'historical'],
    ['@\u0001\u007f:example.org', '\u0001\u007f', 'example.org', 'historical'],
    ['@Ünï🦓:example.org', 'Ünï🦓', 'example.org', 'historical'],
  ])('%j has localpart %j on %s and is %s', (id, localpart, serverName, rank) => {
    expect(parseUserId(id)).toEqual({ localpart, serverName });
    expect(domainOf(id)).toBe(serverName);
    expect(isValidUserId(id)).toBe(true);
    expect(isCompliantUserId(id)).toBe(rank !== 'historical');
    expect(isStrictUserId(id)).toBe(rank === 'strict');
    expect(isValidLocalpart(localpart)).toBe(rank === 'strict');
  });

  it.each([
    '',
    '@',
    '@alice',
    'alice:example.org',
    '@alice:',
    '@a\0b:example.org',
    '@\ud800:example.org',
    '@alice:exa_mple',
    '@a:b:c',
  ])('is not %j', (id) => {
    expect(() => parseUserId(id)).toThrow(InvalidIdentifierError);
    expect(isValidUserId(id)).toBe(false);
    expect(isCompliantUserId(id)).toBe(false);
    expect(isStrictUserId(id)).toBe(false);
  });
});

describe('a room alias', () => {
  it.each([
    ['#room:example.org', 'room', 'example.org'],
    ['#Räume 🦓 #@!:example.org:80', 'Räume 🦓 #@!', 'example.org:80'],
    ['#:example.org', '', 'example.org'],
  ])('%j has localpart %j on %s', (alias, localpart, serverName) => {
    expect(parseRoomAlias(alias)).toEqual({ localpart, serverName });
    expect(isValidRoomAlias(alias)).toBe(true);
  });

  it.each(['', '#', '#room', 'room:example.org', '!room:example.org', '#a\0:example.org', '#a:', '#\udc00:a'])(
    'is not %j',
    (alias) => {
      expect(() => parseRoomAlias(alias)).toThrow(InvalidIdentifierError);
      expect(isValidRoomAlias(alias)).toBe(false);
    },
  );
});

describe('a room id', () => {
  const WITH_DOMAIN = '!Any thing 🦓:example.org';
  const WITHOUT = `!${HASH}`;

  it('is taken in either form when the room version is not known', () => {
    expect(parseRoomId(WITH_DOMAIN)).toEqual({ opaqueId: 'Any thing 🦓', serverName: 'example.org' });
    expect(parseRoomId(WITHOUT)).toEqual({ opaqueId: HASH });
  });

  it.each(versions(1, 11))('has a domain in version $id', (rules) => {
    expect(isValidRoomId(WITH_DOMAIN, rules)).toBe(true);
    expect(isValidRoomId(WITHOUT, rules)).toBe(false);
  });

  it('has none in version 12', () => {
    expect(isValidRoomId(WITHOUT, rulesOf('12'))).toBe(true);
    expect(isValidRoomId(WITH_DOMAIN, rulesOf('12'))).toBe(false);
    expect(isValidRoomId(`!${HASH.slice(1)}`, rulesOf('12'))).toBe(false);
    expect(isValidRoomId(`!${HASH}A`, rulesOf('12'))).toBe(false);
    expect(isValidRoomId(`!${HASH.slice(1)}+`, rulesOf('12'))).toBe(false);
  });

  it.each(['', '!', '!room', 'room:example.org', '!room:', '!a\0:example.org', `$${HASH}`, '!\ud800:a'])(
    'is not %j',
    (id) => {
      expect(() => parseRoomId(id)).toThrow(InvalidIdentifierError);
      expect(isValidRoomId(id)).toBe(false);
    },
  );
});

describe('an event id', () => {
  const V3 = '$acR1l0raoZnm60CBwAVgqbZqoO/mYU81xysh1u7XcJk';
  const V4 = '$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg';
  const V1 = '$143273582443PhrSn:example.org';

  it.each([
    [V1, 'in-event'],
    [V3, 'base64'],
    [V4, 'base64url'],
  ] as const)('%s is of the format %s and of no other', (id, format) => {
    expect(isValidEventId(id)).toBe(true);
    for (const other of ['in-event', 'base64', 'base64url'] as const)
      expect(isValidEventId(id, other)).toBe(other === format);
  });

  it('says where it was made when it can', () => {
    expect(parseEventId(V1)).toEqual({ opaqueId: '143273582443PhrSn', serverName: 'example.org' });
    expect(parseEventId(V4)).toEqual({ opaqueId: V4.slice(1) });
  });

  it.each([
    '',
    '$',
    '$x',
    `$${HASH}=`,
    `$${HASH.slice(1)}`,
    `$${HASH}A`,
    `!${HASH}`,
    '$x:',
    '$a\0:b',
    '$+-'.padEnd(44, 'a'),
  ])('is not %j', (id) => {
    expect(() => parseEventId(id)).toThrow(InvalidIdentifierError);
    expect(isValidEventId(id)).toBe(false);
  });
});

describe('an mxc URI', () => {
  it.each([
    ['mxc://example.org/abc-DEF_123', 'example.org', 'abc-DEF_123'],
    ['mxc://[::1]:80/a', '[::1]:80', 'a'],
  ])('%s', (uri, serverName, mediaId) => {
    expect(parseMxcUri(uri)).toEqual({ serverName, mediaId });
    expect(isValidMxcUri(uri)).toBe(true);
  });

  it.each([
    '',
    'mxc://',
    'mxc://example.org',
    'mxc://example.org/',
    'mxc:///abc',
    'MXC://example.org/abc',
    'https://example.org/abc',
    'mxc://127.0.0.1/../../../some_service/etc/passwd',
    'mxc://example.org/..',
    'mxc://example.org/a/b',
    'mxc://example.org/a%2Fb',
    'mxc://exa mple/abc',
    'mxc://example.org/abc\n',
    `mxc://example.org/${'a'.repeat(256)}`,
  ])('is not %j', (uri) => {
    expect(() => parseMxcUri(uri)).toThrow(InvalidIdentifierError);
    expect(isValidMxcUri(uri)).toBe(false);
  });
});

describe('a key id', () => {
  it('is an algorithm and an identifier', () => {
    expect(parseKeyId('ed25519:a_1')).toEqual({ algorithm: 'ed25519', identifier: 'a_1' });
    expect(parseKeyId('signed_curve25519:AA:B+/')).toEqual({ algorithm: 'signed_curve25519', identifier: 'AA:B+/' });
  });

  it.each(['', ':', 'ed25519', 'ed25519:', ':a'])('is not %j', (id) => {
    expect(() => parseKeyId(id)).toThrow(InvalidIdentifierError);
    expect(isValidKeyId(id)).toBe(false);
  });

  it.each([
    ['ed25519:abc_123', true],
    ['ed25519:a-b', false],
    ['ed25519:', false],
    ['curve25519:a', false],
    ['ed25519:a\n', false],
  ])('of a server: %j is %p', (id, valid) => {
    expect(isValidServerKeyId(id)).toBe(valid);
  });
});

describe('a device id', () => {
  it.each(['GHTYAJCE', 'a b', 'é', '"', 'x'.repeat(255)])('may be %j', (id) => expect(isValidDeviceId(id)).toBe(true));

  it.each(['', 'a\0', 'a\n', '\u0085', '\ud800', 'x'.repeat(256)])('may not be %j', (id) =>
    expect(isValidDeviceId(id)).toBe(false),
  );

  it.each([
    ['GHTYAJCE', true],
    ['!#[]~', true],
    ['a b', false],
    ['a"b', false],
    ['a\\b', false],
    ['é', false],
    ['', false],
  ])('in a scope: %j is %p', (id, valid) => {
    expect(isValidScopeDeviceId(id)).toBe(valid);
  });
});

describe('the common grammars', () => {
  it.each([
    ['azAZ09-._~', true],
    ['a'.repeat(255), true],
    ['', false],
    ['a'.repeat(256), false],
    ['a b', false],
    ['a/b', false],
  ])('opaque: %j is %p', (id, valid) => expect(isOpaqueIdentifier(id)).toBe(valid));

  it.each([
    ['m.room.message', true],
    ['com.example.a-b_c.9', true],
    ['a'.repeat(255), true],
    ['', false],
    ['9a', false],
    ['.a', false],
    ['Com.example', false],
    ['a'.repeat(256), false],
  ])('namespaced: %j is %p', (id, valid) => expect(isNamespacedIdentifier(id)).toBe(valid));
});

describe('all identifiers', () => {
  it.each([
    ['@', isValidUserId],
    ['#', isValidRoomAlias],
    ['!', isValidRoomId],
    ['$', isValidEventId],
  ])('with %s have at most 255 bytes', (sigil, isValid) => {
    expect(isValid(longest(sigil))).toBe(true);
    expect(isValid(`${longest(sigil)}x`)).toBe(false);
    expect(isValid(longest(sigil).replace('a', 'é'))).toBe(false);
  });

  it.each([
    isValidUserId,
    isValidRoomAlias,
    isValidRoomId,
    isValidEventId,
    isValidMxcUri,
    isValidKeyId,
    isValidServerKeyId,
    isValidDeviceId,
    isValidScopeDeviceId,
    isOpaqueIdentifier,
    isNamespacedIdentifier,
    isCompliantUserId,
    isStrictUserId,
  ])('are strings: $name', (isValid) => {
    for (const value of NO_STRINGS) expect(isValid(value)).toBe(false);
  });

  it('throw nothing but their own errors', () => {
    const parsers = [
      parseUserId,
      parseRoomAlias,
      parseRoomId,
      parseEventId,
      parseMxcUri,
      parseKeyId,
      parseServerName,
      parseMatrixUri,
      parseMatrixTo,
      domainOf,
    ];
    const hostile = fc.oneof(
      text,
      fc.string({
        unit: fc.constantFrom('@', '#', '!', '$', ':', '/', '[', ']', '.', '%', '?', 'a', '1', '\ud800', '\0'),
      }),
      fc.constantFrom('matrix:', 'https://matrix.to/#/', 'mxc://').chain((start) => text.map((rest) => start + rest)),
    );
    fc.assert(
      fc.property(fc.constantFrom(...parsers), hostile, (parse, id) => {
        try {
          parse(id);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('have a domain or say that they have none', () => {
    expect(domainOf('#room:example.org:80')).toBe('example.org:80');
    expect(() => domainOf('no colon')).toThrow(InvalidIdentifierError);
  });
});

describe('the length in bytes', () => {
  it('is that of UTF-8', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(utf8ByteLength(value)).toBe(Buffer.byteLength(value));
        expect(exceedsIdentifierLimit(value)).toBe(Buffer.byteLength(value) > 255);
      }),
    );
  });
});
