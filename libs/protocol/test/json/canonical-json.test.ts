import fc from 'fast-check';
import {
  CanonicalJsonError,
  canonicalJsonString,
  compareCodePoints,
  encodeCanonicalJson,
  type JsonValue,
  MAX_JSON_NESTING,
  ProtocolError,
  parseJson,
} from '../../src/index.js';
import { canonicalValue, reordered, text } from '../support/arbitraries.js';

const LARGEST = Number.MAX_SAFE_INTEGER;

describe('numbers', () => {
  it.each([
    [0, '0'],
    [-0, '0'],
    [-1, '-1'],
    [LARGEST, '9007199254740991'],
    [-LARGEST, '-9007199254740991'],
  ])('writes %p as %s', (value, canonical) => {
    expect(canonicalJsonString(value)).toBe(canonical);
    expect(canonicalJsonString([value])).toBe(`[${canonical}]`);
  });

  it.each([1.5, LARGEST + 1, -LARGEST - 1, 1e300, Number.NaN, Infinity, -Infinity])(
    'refuses %p when strict',
    (value) => {
      expect(() => canonicalJsonString(value)).toThrow(CanonicalJsonError);
      expect(() => canonicalJsonString({ value })).toThrow(CanonicalJsonError);
    },
  );

  it.each([
    [50.57, '50.57'],
    [LARGEST + 1, '9007199254740992'],
    [-0, '0'],
  ])('writes %p as %s when tolerant', (value, canonical) => {
    expect(canonicalJsonString({ value }, { strict: false })).toBe(`{"value":${canonical}}`);
    expect(canonicalJsonString(value, { strict: false })).toBe(canonical);
  });

  it.each([Number.NaN, Infinity, -Infinity])('refuses %p even when tolerant', (value) => {
    expect(() => canonicalJsonString({ value }, { strict: false })).toThrow(CanonicalJsonError);
  });
});

describe('numbers that parseJson has read', () => {
  it.each(['1.0', '1e3', '-0', '9007199254740992', '1.5', '0.1e1', '-1E+2'])('refuses %s when strict', (literal) => {
    expect(() => canonicalJsonString(parseJson(`{"a":[${literal}]}`))).toThrow(CanonicalJsonError);
  });

  it.each([
    ['1.0', '1.0'],
    ['50.570', '50.570'],
    ['9223372036854775807', '9223372036854775807'],
    ['1e+16', '1e+16'],
    ['1e10', '10000000000'],
    ['-0', '0'],
  ])('writes %s as %s when tolerant, as its sender hashed it', (literal, canonical) => {
    const value = parseJson(`{"a":${literal}}`);

    expect(canonicalJsonString(value, { strict: false })).toBe(`{"a":${canonical}}`);
  });

  it('refuses 1e400 even when tolerant', () => {
    expect(() => canonicalJsonString(parseJson('[1e400]'), { strict: false })).toThrow(CanonicalJsonError);
  });
});

describe('strings', () => {
  const CONTROLS = Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code));
  const SHORT = new Map([
    ['\b', '\\b'],
    ['\t', '\\t'],
    ['\n', '\\n'],
    ['\f', '\\f'],
    ['\r', '\\r'],
    ['"', '\\"'],
    ['\\', '\\\\'],
  ]);

  it.each([...CONTROLS, '"', '\\'])('escapes %j in the shortest way', (character) => {
    const long = `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

    expect(canonicalJsonString(`a${character}b`)).toBe(`"a${SHORT.get(character) ?? long}b"`);
  });

  it.each(['/', '\u007f', '\u0080', '\u2028', '\u2029', '\ufeff', '\uffff', '🦓'])(
    'leaves %j as it is',
    (character) => {
      expect(canonicalJsonString(character)).toBe(`"${character}"`);
    },
  );

  it.each(['\ud800', 'a\udc00', '\udc00\ud800'])('refuses half a surrogate pair: %j', (broken) => {
    for (const strict of [true, false]) {
      expect(() => canonicalJsonString([broken], { strict })).toThrow(CanonicalJsonError);
      expect(() => canonicalJsonString({ [broken]: 1 }, { strict })).toThrow(CanonicalJsonError);
    }
  });
});

describe('objects', () => {
  it('sorts keys by code point, not by UTF-16 code unit', () => {
    expect(canonicalJsonString({ '🦓': 1, '\uffff': 2, '\ue000': 3, z: 4 })).toBe(
      '{"z":4,"\ue000":3,"\uffff":2,"🦓":1}',
    );
  });

  it('sorts keys that look like numbers as text', () => {
    expect(canonicalJsonString({ 9: 'nine', 10: 'ten' })).toBe('{"10":"ten","9":"nine"}');
  });

  it('keeps __proto__ as a key like any other', () => {
    expect(canonicalJsonString(JSON.parse('{"b":1,"__proto__":{"a":2}}') as JsonValue)).toBe(
      '{"__proto__":{"a":2},"b":1}',
    );
  });

  it('leaves out what is undefined, first or last', () => {
    expect(canonicalJsonString({ a: undefined, b: 1, c: undefined })).toBe('{"b":1}');
  });

  it('writes an object without a prototype', () => {
    expect(canonicalJsonString(Object.assign(Object.create(null), { a: 1 }) as JsonValue)).toBe('{"a":1}');
  });
});

describe('limits', () => {
  function nested(levels: number): JsonValue {
    let value: JsonValue = [];
    for (let level = 1; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
    return value;
  }

  it('nests as deep as it says and no deeper', () => {
    expect(canonicalJsonString(nested(MAX_JSON_NESTING))).toBe(JSON.stringify(nested(MAX_JSON_NESTING)));
    expect(() => canonicalJsonString(nested(MAX_JSON_NESTING + 1))).toThrow(CanonicalJsonError);
    expect(() => canonicalJsonString(nested(4), { maxNesting: 3 })).toThrow(CanonicalJsonError);
    expect(canonicalJsonString(nested(3), { maxNesting: 3 })).toBe('[{"a":[]}]');
  });

  it('is as long as it may be and no longer, in bytes', () => {
    expect(canonicalJsonString({ a: 'é' }, { maxBytes: 10 })).toBe('{"a":"é"}');
    expect(() => canonicalJsonString({ a: 'é' }, { maxBytes: 9 })).toThrow('longer than 9 bytes');
    expect(() => encodeCanonicalJson({ a: 'é' }, { maxBytes: 9 })).toThrow(CanonicalJsonError);
  });

  it('ends with its own error on nesting that would overflow the stack', () => {
    const hostile = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;

    expect(() => canonicalJsonString(parseJson(hostile))).toThrow(CanonicalJsonError);
  });

  it('ends with its own error on an object that holds itself', () => {
    const circle: Record<string, unknown> = {};
    circle.circle = circle;

    expect(() => canonicalJsonString(circle as JsonValue)).toThrow(CanonicalJsonError);
  });

  it.each([undefined, () => 1, Symbol('a'), 1n, [undefined], [1n]])('refuses what is no JSON: %p', (value) => {
    expect(() => canonicalJsonString(value as unknown as JsonValue)).toThrow(CanonicalJsonError);
  });
});

describe('properties', () => {
  it('reads back as the same value', () => {
    fc.assert(
      fc.property(canonicalValue, (value) => {
        expect(JSON.parse(canonicalJsonString(value))).toEqual(value);
      }),
    );
  });

  it('is its own canonical form', () => {
    fc.assert(
      fc.property(canonicalValue, (value) => {
        const canonical = canonicalJsonString(value);

        expect(canonicalJsonString(parseJson(canonical))).toBe(canonical);
      }),
    );
  });

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(canonicalValue, (value) => {
        expect(canonicalJsonString(reordered(value))).toBe(canonicalJsonString(value));
      }),
    );
  });

  it('gives the UTF-8 of its string', () => {
    fc.assert(
      fc.property(canonicalValue, (value) => {
        expect(Buffer.from(encodeCanonicalJson(value)).toString('utf8')).toBe(canonicalJsonString(value));
      }),
    );
  });

  it('orders keys as their bytes are ordered', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });

  it('throws nothing but its own errors on values of any shape', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withSparseArray: true,
    });
    fc.assert(
      fc.property(anything, fc.boolean(), (value, strict) => {
        try {
          canonicalJsonString(value as JsonValue, { strict });
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });
});
