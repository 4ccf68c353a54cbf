import { InvalidIdentifierError, isIpv4, isIpv6, isValidServerName, parseServerName } from '../../src/index.js';

describe('a server name', () => {
  it.each([
    ['matrix.org', { hostname: 'matrix.org', kind: 'dns' }],
    ['matrix.org:8888', { hostname: 'matrix.org', kind: 'dns', port: 8888 }],
    ['1.2.3.4', { hostname: '1.2.3.4', kind: 'ipv4' }],
    ['1.2.3.4:1234', { hostname: '1.2.3.4', kind: 'ipv4', port: 1234 }],
    ['[1234:5678::abcd]', { hostname: '1234:5678::abcd', kind: 'ipv6' }],
    ['[1234:5678::abcd]:5678', { hostname: '1234:5678::abcd', kind: 'ipv6', port: 5678 }],
  ])('of the examples of the appendices: %s', (name, parsed) => {
    expect(parseServerName(name)).toEqual(parsed);
  });

  it.each([
    ['localhost', { hostname: 'localhost', kind: 'dns' }],
    ['MATRIX.org', { hostname: 'MATRIX.org', kind: 'dns' }],
    ['a-b.xn--bcher-kva.example', { hostname: 'a-b.xn--bcher-kva.example', kind: 'dns' }],
    ['1.2.3', { hostname: '1.2.3', kind: 'dns' }],
    ['1.2.3.256', { hostname: '1.2.3.256', kind: 'dns' }],
    ['a:0', { hostname: 'a', kind: 'dns', port: 0 }],
    ['a:65535', { hostname: 'a', kind: 'dns', port: 65535 }],
    ['a'.repeat(255), { hostname: 'a'.repeat(255), kind: 'dns' }],
  ])('may be %s', (name, parsed) => {
    expect(parseServerName(name)).toEqual(parsed);
    expect(isValidServerName(name)).toBe(true);
  });

  it.each([
    '',
    ':8448',
    'a:',
    'a:65536',
    'a:123456',
    'a:-1',
    'a:b',
    'a:80:80',
    'a b',
    'a_b',
    'bücher.example',
    'a/b',
    'a@b',
    'a\n',
    '[::1',
    '::1',
    '[]',
    '[1.2.3.4]',
    '[::1]8448',
    '[::g]',
    '[::1%eth0]',
    'a'.repeat(256),
  ])('may not be %j', (name) => {
    expect(() => parseServerName(name)).toThrow(InvalidIdentifierError);
    expect(isValidServerName(name)).toBe(false);
  });

  it.each([undefined, null, 5, {}, ['matrix.org']])('is not %p', (name) => {
    expect(isValidServerName(name)).toBe(false);
  });
});

describe('an IPv4 address', () => {
  it.each(['0.0.0.0', '255.255.255.255', '01.2.3.4'])('may be %s', (text) => expect(isIpv4(text)).toBe(true));

  it.each(['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '1.1.1.256', '1..1.1', 'a.b.c.d', '1.2.3.4 ', '0001.2.3.4'])(
    'may not be %j',
    (text) => expect(isIpv4(text)).toBe(false),
  );
});

describe('an IPv6 address', () => {
  it.each([
    '::',
    '::1',
    '1::',
    'FEDC:BA98:7654:3210:FEDC:BA98:7654:3210',
    '1080:0:0:0:8:800:200C:417A',
    '1080::8:800:200C:417A',
    '0:0:0:0:0:0:13.1.68.3',
    '::13.1.68.3',
    '::FFFF:129.144.52.38',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1:2:3:4:5::1.2.3.4',
  ])('may be %s', (text) => expect(isIpv6(text)).toBe(true));

  it.each([
    '',
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '1::2::3',
    '12345::',
    '::g',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '1.2.3.4',
    '::1.2.3.4:5',
    '::1.2.3.256',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1%1',
    `${'0000:'.repeat(9)}0`,
  ])('may not be %j', (text) => expect(isIpv6(text)).toBe(false));
});
