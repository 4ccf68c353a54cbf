import fc from 'fast-check';
import { canonicalJsonString, JsonSyntaxError, type JsonValue, parseJson } from '../../src/index.js';

describe('parseJson', () => {
  it.each([
    '',
    '{',
    '{"a":}',
    '[1,]',
    'nul',
    '{"a":Infinity}',
    '{"a":NaN}',
    '{"a":01}',
    '{"a":1.}',
    '{} {}',
    '\ufeff{}',
  ])('refuses %j, which is not JSON', (given) => {
    expect(() => parseJson(given)).toThrow(JsonSyntaxError);
  });

  it('takes the last of duplicate keys', () => {
    expect(parseJson('{"a":1,"a":2}')).toEqual({ a: 2 });
    expect(() => canonicalJsonString(parseJson('{"a":1.0,"a":2}'))).not.toThrow();
    expect(() => canonicalJsonString(parseJson('{"a":2,"a":1.0}'))).toThrow('1.0');
  });

  it('gives plain values, whatever the numbers', () => {
    expect(parseJson('{"a":[1.0,1e3,-0,9007199254740993],"b":"1.0"}')).toEqual({
      a: [1, 1000, -0, 9007199254740992],
      b: '1.0',
    });
  });

  it.each([
    ['after white space', '{"a": \n1.0}'],
    ['in an array', '[0,1.0]'],
    ['first in an array', '[1.0]'],
    ['negative', '{"a":-1.0}'],
    ['with sixteen digits', '{"a":9007199254740993}'],
    ['negative with sixteen digits', '{"a":-9007199254740993}'],
    ['with an exponent', '{"a":12E0}'],
    ['with a fraction and an exponent', '{"a":1.5e1}'],
    ['with an exponent that has a sign', '[1e+3]'],
    ['with more than sixteen digits', '[12345678901234567890]'],
    ['with many digits and a fraction', '{"a":12345678901234567.5 }'],
    ['that is all there is in an array, before white space', '[ -1.0\n]'],
    ['minus zero', '{"a":-0}'],
    ['minus zero with a fraction', '{"a":-0.0,"b":1}'],
  ])('remembers a number %s', (_where, given) => {
    expect(() => canonicalJsonString(parseJson(given))).toThrow('not how canonical JSON writes a number');
  });

  it('is not misled by what looks like a number inside a string', () => {
    const given = '{"a":"at 1.5 of 9007199254740993, -0 and 1e3"}';

    expect(canonicalJsonString(parseJson(given))).toBe(given);
  });

  it('takes integers of sixteen digits that a double holds', () => {
    expect(canonicalJsonString(parseJson('{"a":9007199254740991}'))).toBe('{"a":9007199254740991}');
  });

  it('answers deep nesting beside a float with its own error', () => {
    const hostile = `${'['.repeat(200_000)}1.0${']'.repeat(200_000)}`;

    expect(() => parseJson(hostile)).toThrow(JsonSyntaxError);
  });

  it('reads whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const written = JSON.stringify(value);

        expect(parseJson(written)).toEqual(JSON.parse(written));
      }),
    );
  });

  it('throws nothing but its own error on any text', () => {
    const fragments = fc.array(fc.constantFrom('{', '}', '[', ']', '"a"', ':', ',', '1.0', '-0', '1e400', 'null', ' '));
    fc.assert(
      fc.property(
        fragments.map((parts) => parts.join('')),
        (given) => {
          let value: JsonValue | undefined;
          try {
            value = parseJson(given);
          } catch (error) {
            expect(error).toBeInstanceOf(JsonSyntaxError);
            return;
          }
          expect(value).toEqual(JSON.parse(given));
        },
      ),
    );
  });
});
