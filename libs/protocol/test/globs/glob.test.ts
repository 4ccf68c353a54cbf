import fc from 'fast-check';
import { foldCase, Glob, MAX_GLOB_CHARACTERS, type Wildcards } from '../../src/globs/glob.js';
import { GlobSet } from '../../src/globs/glob-set.js';

describe('a glob against the whole text', () => {
  const cases: [pattern: string, text: string, matches: boolean][] = [
    ['m.room.message', 'm.room.message', true],
    ['m.room.message', 'm.room.messages', false],
    ['m.room.message', 'M.room.message', false],
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['**', '', true],
    ['?', '', false],
    ['?', 'a', true],
    ['?', 'ab', false],
    ['?', '🙂', true],
    ['??', '🙂', false],
    ['lunc?*', 'lunch plans', true],
    ['lunc?*', 'lunch', true],
    ['lunc?*', 'lunc', false],
    ['lunc?*', ' lunch', false],
    ['m.room.*', 'm.room.member', true],
    ['m.room.*', 'm.room.', true],
    ['m.room.*', 'm.roomXmember', false],
    ['*.evil.com', 'www.evil.com', true],
    ['*.evil.com', 'evil.com', false],
    ['*.evil.com', 'www.evil.com.org', false],
    ['a*b*c', 'axxbyyc', true],
    ['a*b*c', 'axxcyyb', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*ab', 'aab', true],
    ['a?*?c', 'abc', false],
    ['a?*?c', 'abbc', true],
    ['[a-z]', 'a', false],
    ['[a-z]', '[a-z]', true],
    ['a.c', 'abc', false],
    ['a\\*c', 'a\\xc', true],
    ['\ud83d?', '\ud83da', true],
  ];
  it.each(cases)('%j against %j: %s', (pattern, text, expected) => {
    expect(new Glob(pattern).matches(text)).toBe(expected);
  });

  it.each<[string, Wildcards, string, boolean]>([
    ['a?c', '*', 'abc', false],
    ['a?c', '*', 'a?c', true],
    ['a*c', '*', 'abc', true],
    ['a*c', '', 'abc', false],
    ['a*?c', '', 'a*?c', true],
  ])('%j where only %j are wildcards, against %j: %s', (pattern, wildcards, text, expected) => {
    expect(new Glob(pattern, wildcards).matches(text)).toBe(expected);
  });

  it('gives the same answer each time it is asked', () => {
    const glob = new Glob('a*b?');
    expect([glob.matches('aabc'), glob.matches('zzz'), glob.matches('aabc')]).toEqual([true, false, true]);
  });
});

describe('a glob against words', () => {
  const cases: [pattern: string, text: string, matches: boolean][] = [
    ['ex*ple', 'An example event.', true],
    ['ex*ple', 'exple', true],
    ['ex*ple', 'An exciting triple-whammy', true],
    ['ex*ple', 'An examplet', false],
    ['cake', 'cake', true],
    ['cake', 'I like cake!', true],
    ['cake', 'cakes', false],
    ['cake', 'pancake', false],
    ['cake', 'pan_cake', false],
    ['cake', 'pan-cake', true],
    ['cake', 'cupcake and cake', true],
    ['cake', 'cake2', false],
    ['cake', 'écake', true],
    ['cake*lie', 'the cake is a lie', true],
    ['ca?e', 'the cave', true],
    ['@room', 'hello@room', true],
    ['@room', 'hello @room!', true],
    ['room!', 'room!s', true],
    ['a b', 'xa b', false],
    ['a b', 'a b', true],
    ['*', '', true],
    ['*', 'anything', true],
    ['?', '', false],
    ['', '', true],
    ['', 'word', true],
    ['🙂', 'so🙂happy', true],
  ];
  it.each(cases)('%j in %j: %s', (pattern, text, expected) => {
    expect(new Glob(pattern).matchesWords(text)).toBe(expected);
  });
});

describe('folding of case', () => {
  it.each([
    ['CAKE', 'cake'],
    ['ÅNGSTRÖM', 'ångström'],
    ['ΟΔΟΣ', 'οδος'],
    ['ΟΔΟΣΑ', 'οδοσα'],
  ])('%s and %s are equal', (a, b) => {
    expect(foldCase(a)).toBe(foldCase(b));
  });

  it('keeps a sigma the same wherever it stands, so that a pattern may end in one', () => {
    expect(new Glob(foldCase('ΟΔΟΣ*')).matches(foldCase('ΟΔΟΣΑ'))).toBe(true);
  });
});

/** The textbook definition, tried in every way: exponential, and obviously right. */
function naive(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern[0] === '*') {
    return naive(pattern.slice(1), text) || (text !== '' && naive(pattern, text.slice(1)));
  }
  return text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && naive(pattern.slice(1), text.slice(1));
}

/** The same by a table: what of the pattern matches what of the text, each pair looked at once. */
function byTable(pattern: string, text: string): boolean {
  let reached = new Set([0]);
  const skipStars = (positions: Set<number>) => {
    for (const position of positions) if (pattern[position] === '*') positions.add(position + 1);
    return positions;
  };
  skipStars(reached);
  for (const character of text) {
    const next = new Set<number>();
    for (const position of reached) {
      if (pattern[position] === '*') next.add(position);
      else if (pattern[position] === '?' || pattern[position] === character) next.add(position + 1);
    }
    reached = skipStars(next);
  }
  return reached.has(pattern.length);
}

function naiveWords(pattern: string, text: string): boolean {
  const isWord = (index: number) => /[A-Za-z0-9_]/.test(text[index] ?? ' ');
  const isBoundary = (index: number) => index === 0 || index === text.length || !isWord(index - 1) || !isWord(index);
  const positions = [...Array(text.length + 1).keys()].filter(isBoundary);
  return positions.some((from) => positions.some((to) => to >= from && naive(pattern, text.slice(from, to))));
}

const smallText = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '_'), maxLength: 9 });
const smallPattern = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '*', '?'), maxLength: 7 });

describe('for every pattern and text', () => {
  it('agrees with the definition', () => {
    fc.assert(
      fc.property(smallPattern, smallText, (pattern, text) => {
        expect(new Glob(pattern).matches(text)).toBe(naive(pattern, text));
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with the definition between word boundaries', () => {
    fc.assert(
      fc.property(smallPattern, smallText, (pattern, text) => {
        expect(new Glob(pattern).matchesWords(text)).toBe(naiveWords(pattern, text));
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with the definition when the pattern does not fit one machine word', () => {
    const long = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 60, maxLength: 70 });
    fc.assert(
      fc.property(long, fc.nat(69), fc.nat(69), (text, star, any) => {
        fc.pre(any !== text.length - 1);
        const pattern = [...text].map((c, i) => (i === star ? '*' : i === any ? '?' : c)).join('');
        expect(new Glob(pattern).matches(text)).toBe(true);
        expect(new Glob(`*${pattern}`).matches(`ab${text}`)).toBe(true);
        expect(new Glob(pattern).matches(`${text}c`)).toBe(star === text.length - 1);
        expect(new Glob(pattern).matchesWords(`x ${text} x`)).toBe(true);
      }),
    );
  });

  it('agrees with the definition on patterns and texts that would keep one busy who goes back', () => {
    const hostile = fc.string({
      unit: fc.constantFrom('a', 'b', '*', '?', '*a', '?*'),
      minLength: 100,
      maxLength: 400,
    });
    const long = fc.string({ unit: fc.constantFrom('a', 'aaaa', 'b'), minLength: 500, maxLength: 2000 });
    fc.assert(
      fc.property(hostile, long, (pattern, text) => {
        expect(new Glob(pattern).matches(text)).toBe(byTable(pattern, text));
      }),
    );
  });

  it('throws on no input', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (pattern, text) => {
        const glob = new Glob(pattern);
        expect([true, false]).toContain(glob.matches(text) || glob.matchesWords(text));
      }),
    );
  });
});

describe('hostile patterns and texts', () => {
  // Each would keep a matcher that backtracks busy for longer than anyone lives. The text holds what the patterns look
  // for, but in the wrong place, so that no search for a plain part of the pattern can answer in place of the match.
  const run = 'a'.repeat(60_000);
  const text = `b${'a'.repeat(1000)}b${run}`;
  const cases: [name: string, pattern: string, matches: boolean][] = [
    ['many stars, and a miss at the end', `${'*a'.repeat(500)}b`, false],
    ['many stars, and a hit', '*a'.repeat(500), true],
    ['many stars after the last chance', `*b*b${'*a'.repeat(500)}*b*`, false],
    ['stars and question marks in turn', `*b*b${'*?'.repeat(500)}b`, false],
    ['question marks that nearly match everywhere', `*a${'?a'.repeat(400)}b*b*`, false],
    ['a long run that is nowhere long enough', `*b${'a'.repeat(1001)}b*`, false],
    ['a long run that nearly matches everywhere', `*b*b*${'a'.repeat(900)}b*`, false],
  ];
  it.each(cases)('%s', (_name, pattern, expected) => {
    expect(new Glob(pattern).matches(text)).toBe(expected);
    expect(new Glob(pattern).matchesWords(text)).toBe(expected);
  });

  it('between the words of a text of many words', () => {
    expect(new Glob(`${'a *'.repeat(300)}b`).matchesWords(`b ${'a '.repeat(30_000)}`)).toBe(false);
  });

  it.each(['*a', '?', 'a', '*?'])('a pattern of a million %j matches nothing but costs little', (part) => {
    const glob = new Glob(part.repeat(1_000_000));
    expect(glob.matches(run)).toBe(false);
    expect(glob.matchesWords(run)).toBe(false);
  });

  it('takes patterns up to the limit, stars not counted', () => {
    expect(new Glob('*a'.repeat(MAX_GLOB_CHARACTERS)).matches('a'.repeat(MAX_GLOB_CHARACTERS))).toBe(true);
    expect(new Glob('a'.repeat(MAX_GLOB_CHARACTERS)).matches('a'.repeat(MAX_GLOB_CHARACTERS))).toBe(true);
    expect(new Glob('a'.repeat(MAX_GLOB_CHARACTERS + 1)).matches('a'.repeat(MAX_GLOB_CHARACTERS + 1))).toBe(false);
  });
});

describe('a set of globs', () => {
  const set = new GlobSet(['m.room.message', 'm.call.*', 'a?c']);
  it.each([
    ['m.room.message', true],
    ['m.call.invite', true],
    ['abc', true],
    ['m.room.member', false],
    ['m.call', false],
  ])('%s: %s', (text, expected) => {
    expect(set.has(text)).toBe(expected);
  });

  it('without patterns has nothing', () => {
    expect(new GlobSet([]).has('')).toBe(false);
  });
});
