import fc from 'fast-check';
import { compileServerAcl } from '../../src/index.js';

const cases: [name: string, content: unknown, server: string, allowed: boolean][] = [
  // Rule 1: without an event, everyone.
  ['no event', undefined, 'example.org', true],
  ['no event, an IP literal', undefined, '1.2.3.4', true],

  // Rule 2: IP literals, where allow_ip_literals is false.
  ['an IPv4 literal', { allow: ['*'], allow_ip_literals: false }, '1.2.3.4', false],
  ['an IPv4 literal with a port', { allow: ['*'], allow_ip_literals: false }, '1.2.3.4:8448', false],
  ['an IPv6 literal', { allow: ['*'], allow_ip_literals: false }, '[::1]', false],
  ['an IPv6 literal with a port', { allow: ['*'], allow_ip_literals: false }, '[2001:db8::1]:8448', false],
  ['a name beside forbidden IP literals', { allow: ['*'], allow_ip_literals: false }, 'example.org', true],
  [
    'a name that only looks like an IPv4 literal',
    { allow: ['*'], allow_ip_literals: false },
    '1.2.3.4.example.org',
    true,
  ],
  ['numbers that are no IPv4 literal', { allow: ['*'], allow_ip_literals: false }, '1.2.3.400', true],
  ['an IP literal that is allowed', { allow: ['*'], allow_ip_literals: true }, '1.2.3.4', true],
  ['an IP literal by default', { allow: ['*'] }, '[::1]:80', true],
  ['an IP literal where the flag is no boolean', { allow: ['*'], allow_ip_literals: 'false' }, '1.2.3.4', true],
  ['an IP literal where the flag is null', { allow: ['*'], allow_ip_literals: null }, '1.2.3.4', true],
  ['an IPv6 literal by its text', { allow: ['[2001:db8:*]'] }, '[2001:db8::1]:8448', true],
  ['an IPv6 literal denied by its text', { allow: ['*'], deny: ['[2001:db8:*]'] }, '[2001:DB8::1]', false],

  // Rule 3: the deny list, before anything is allowed.
  ['a denied server', { allow: ['*'], deny: ['evil.com'] }, 'evil.com', false],
  ['a denied server with a port', { allow: ['*'], deny: ['evil.com'] }, 'evil.com:8448', false],
  ['a denied server with another port', { allow: ['*'], deny: ['evil.com'] }, 'evil.com:1234', false],
  ['a denied server in capitals', { allow: ['*'], deny: ['evil.com'] }, 'EVIL.com', false],
  ['a server denied in capitals', { allow: ['*'], deny: ['EVIL.com'] }, 'evil.com', false],
  ['a server denied by a star', { allow: ['*'], deny: ['*.evil.com'] }, 'deep.www.evil.com', false],
  ['the parent of servers denied by a star', { allow: ['*'], deny: ['*.evil.com'] }, 'evil.com', true],
  ['a server denied by a question mark', { allow: ['*'], deny: ['evil?.com'] }, 'evil7.com', false],
  ['a question mark that finds nothing', { allow: ['*'], deny: ['evil?.com'] }, 'evil.com', true],
  ['a server that is both allowed and denied', { allow: ['evil.com'], deny: ['evil.com'] }, 'evil.com', false],
  ['everyone denied', { allow: ['*'], deny: ['*'] }, 'example.org', false],
  ['a denied part of a name', { allow: ['*'], deny: ['evil'] }, 'evil.com', true],
  ['a deny list that holds a port', { allow: ['*'], deny: ['evil.com:8448'] }, 'evil.com:8448', true],

  // Rule 4: the allow list.
  ['an allowed server', { allow: ['example.org'] }, 'example.org', true],
  ['an allowed server with a port', { allow: ['example.org'] }, 'example.org:8448', true],
  ['an allowed server in capitals', { allow: ['Example.ORG'] }, 'eXample.org', true],
  ['a server allowed by a star', { allow: ['*.example.org'] }, 'matrix.example.org', true],
  ['a dot as itself', { allow: ['example.org'] }, 'example-org', false],

  // Rule 5: everyone else is denied.
  ['a server that is not listed', { allow: ['example.org'] }, 'example.com', false],
  ['an empty event', {}, 'example.org', false],
  ['an empty allow list', { allow: [] }, 'example.org', false],
  ['a content that is no object', 'nonsense', 'example.org', false],
  ['an allow list that is no list', { allow: '*' }, 'example.org', false],
  ['entries that are no text', { allow: [7, null, ['*'], { a: '*' }] }, 'example.org', false],
  ['a deny list that is no list', { allow: ['*'], deny: 'evil.com' }, 'evil.com', true],
  ['entries of both kinds', { allow: [7, '*'], deny: [null, 'evil.com'] }, 'evil.com', false],

  // What is not a server name is let in by no list.
  ['no name', { allow: ['*'] }, '', false],
  ['a name with spaces', { allow: ['*'] }, 'evil.com ', false],
  ['a name with a path', { allow: ['*'] }, 'evil.com/', false],
  ['an unclosed IPv6 literal', { allow: ['*'] }, '[::1', false],
];

describe('a server ACL', () => {
  it.each(cases)('%s', (_name, content, server, allowed) => {
    expect(compileServerAcl(content).allows(server)).toBe(allowed);
  });
});

it('is not kept busy by hostile lists', () => {
  // A backtracking matcher would not come back from the first of these patterns.
  const star = `${'*a'.repeat(120)}b`;
  const mark = `${'*?'.repeat(120)}b`;
  const deny = [...new Array(100).fill(star), ...new Array(100).fill(mark), '*'.repeat(20_000), '*a'.repeat(20_000)];
  const acl = compileServerAcl({ allow: ['*'], deny: deny.filter((pattern) => pattern !== '*'.repeat(20_000)) });
  expect(acl.allows(`b${'a'.repeat(230)}`)).toBe(true);
  expect(compileServerAcl({ allow: ['*'], deny }).allows('a')).toBe(false);
});

it('comes to an answer about any pattern made to keep it busy', () => {
  const hostile = fc.string({ unit: fc.constantFrom('a', '.', '*', '?', '*a', '?*', '*.'), maxLength: 500 });
  const name = fc.string({ unit: fc.constantFrom('a', 'aa', 'a.'), minLength: 1, maxLength: 100 });
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 20 }), name, (deny, server) => {
      const acl = compileServerAcl({ allow: ['*'], deny });
      const each = deny.map((pattern) => compileServerAcl({ allow: ['*'], deny: [pattern] }));
      expect(acl.allows(server)).toBe(each.every((alone) => alone.allows(server)));
    }),
  );
});

it('throws on no input, and never lets in what it does not understand', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), (content, server) => {
      expect(compileServerAcl(content).allows(server)).toBe(false);
    }),
  );
});

it('denies whoever is denied whatever else is allowed', () => {
  const domain = fc.domain();
  fc.assert(
    fc.property(
      domain,
      fc.array(domain),
      fc.array(domain),
      fc.integer({ min: 1, max: 65_535 }),
      (name, allow, deny, port) => {
        const acl = compileServerAcl({ allow: ['*', ...allow], deny: [...deny, name.toUpperCase()] });
        expect([acl.allows(name), acl.allows(`${name}:${port}`)]).toEqual([false, false]);
      },
    ),
  );
});
