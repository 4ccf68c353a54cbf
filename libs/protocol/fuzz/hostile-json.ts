import fc from 'fast-check';

/** Numbers as they may be written, most of them in ways that canonical JSON does not know. */
export const numberText = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '1.0',
    '1e3',
    '-1E-7',
    '9007199254740991',
    '9007199254740992',
    '9223372036854775807',
    '1e400',
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.maxSafeInteger().map(String),
);

const stringText = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0000"',
    '"\\/"',
    '"__proto__"',
    '"1.0"',
    '"a"',
    '"b"',
    '"10"',
    '"9"',
  ),
);

/** JSON with white space, escapes, duplicate keys and numbers as nobody should write them. */
export const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.constantFrom('null', 'true', 'false'),
    numberText,
    stringText,
    fc.array(tie('value'), { maxLength: 5 }).map((items) => `[${items.join(' ,')}]`),
    fc
      .array(fc.tuple(stringText, tie('value')), { maxLength: 6 })
      .map((members) => `{${members.map(([key, value]) => `${key}:\n${value}`).join(',')}}`),
  ),
})).value;

const deepText = fc
  .tuple(fc.nat(20_000), fc.constantFrom('[', '{"a":'), jsonText)
  .map(([depth, open, core]) => open.repeat(depth) + core + (open === '[' ? ']' : '}').repeat(depth));

/** Text with some of its characters replaced, taken out or put in. */
export function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const damage = fc.record({
    at: fc.nat(10_000),
    length: fc.nat(3),
    by: fc.oneof(
      fc.constantFrom('', '"', '{', '}', ',', ':', '\\', '.0', 'e', '-', '\ud800'),
      fc.string({ maxLength: 3 }),
    ),
  });
  return fc.tuple(text, fc.array(damage, { minLength: 1, maxLength: 4 })).map(([whole, all]) =>
    all.reduce((current, { at, length, by }) => {
      const from = at % (current.length + 1);
      return current.slice(0, from) + by + current.slice(from + length);
    }, whole),
  );
}

/** Text that is JSON, nearly JSON or anything but JSON. */
export const hostileJsonText = fc.oneof(
  { arbitrary: jsonText, weight: 6 },
  { arbitrary: damaged(jsonText), weight: 4 },
  { arbitrary: deepText, weight: 1 },
  { arbitrary: fc.string({ unit: 'binary' }), weight: 1 },
);
