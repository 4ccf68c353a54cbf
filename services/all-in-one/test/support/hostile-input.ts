import type { Example } from './endpoint-examples.js';

/** One request, to the letter. */
export interface HostileRequest {
  readonly what: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Percent-encoded, as they would stand in a path. None of them can be part of any id that there is. */
const HOSTILE_SEGMENTS = [
  '%00',
  'a%00b',
  '%FF',
  '%ED%A0%80',
  '%C0%80',
  '%zz',
  '%',
  'x'.repeat(2_049),
  'x'.repeat(9_000),
];

/** What stands in the place of a value of each type: everything but that type. */
const OTHERS: Readonly<Record<string, readonly unknown[]>> = {
  string: [5, true, [], ['x'], {}, { x: 1 }],
  number: ['x', true, [], {}, 1.5, 2 ** 53, 1e300],
  boolean: ['true', 1, [], {}],
  array: ['x', 5, true, {}, { length: 1 }],
  object: ['x', 5, true, [], [{}]],
};

/** Nothing of this is JSON that Matrix could carry, whoever asks for what. */
const HOSTILE_BODIES: readonly (readonly [string, string | Buffer])[] = [
  ['half an object', '{'],
  ['two objects', '{}{}'],
  ['text that is not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ['an encoded surrogate', Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d])],
  ['a lone surrogate', '{"org.example":"\\ud800"}'],
  ['a key that is a lone surrogate', '{"\\uDFFF":1}'],
  ['surrogates in the wrong order', '{"org.example":["\\udc00\\ud800"]}'],
  ['a number beyond all numbers', '{"org.example":1e999}'],
  ['a number of a thousand digits', `{"org.example":${'9'.repeat(1_000)}}`],
  ['arrays without end', '['.repeat(5_000)],
  ['deep arrays', `{"org.example":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
  ['deep objects', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
  ['NaN', '{"org.example":NaN}'],
  ['a body that is too large', `{"org.example":"${'x'.repeat(1_100_000)}"}`],
];

const NO_OBJECTS: readonly unknown[] = ['[]', '[{}]', '"x"', '5', 'true', 'null'];

/** Text that may be right in one place and wrong in another. */
const ODD_TEXTS = [
  ...[
    '',
    ' ',
    'a\0b',
    '\u202e',
    '\u{10ffff}',
    '__proto__',
    'constructor',
    '.',
    '..',
    '../..',
    '/',
    '%',
    "'",
    '"',
    '\\',
    '$(x)',
  ],
  ...[
    'x'.repeat(256),
    'é'.repeat(200),
    'x'.repeat(1_000),
    randomText(6_000),
    '{}',
    '[]',
    'null',
    '@',
    '!',
    '#',
    '$',
    '@a:',
    ':',
  ],
  ...['0', '-1', '9999999999', '9'.repeat(30), '1e9', 'Infinity', 's', 's-1', 's99999999999999999999', 'o999999999'],
];

/** Requests that may be refused or not, as long as the server knows what it does. */
export function oddRequests(route: string, example: Example): HostileRequest[] {
  const { params = {}, query = {}, body } = example;
  const segments = ODD_TEXTS.filter((text) => !['', '.', '..'].includes(text) && !text.includes('\0'));
  const inPath = Object.keys(params).flatMap((name) =>
    segments.map((text) => ({ what: name, path: pathOf(route, example, { [name]: encodeURIComponent(text) }), body })),
  );
  const inQuery = Object.keys(query).flatMap((name) =>
    ODD_TEXTS.map((text) => ({
      what: name,
      path: pathOf(route, { ...example, query: { ...query, [name]: text } }),
      body,
    })),
  );
  const path = pathOf(route, example);
  const inBody = replaced(body, oddInPlaceOf).map(({ what, value }) => ({ what, path, body: value }));
  const prototypes = { what: '__proto__', path, body: '{"__proto__":{"admin":true},"constructor":{"prototype":{}}}' };
  return [...inPath, ...inQuery, ...inBody, prototypes];
}

function oddInPlaceOf(value: unknown): readonly unknown[] {
  if (typeof value === 'string') return ODD_TEXTS;
  return typeof value === 'number' ? [0, -0, 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, -(2 ** 53 - 1)] : [null];
}

/** Nothing that compresses to an index entry of moderate size. */
function randomText(length: number): string {
  return Array.from({ length }, () => String.fromCodePoint(0x4e00 + Math.floor(Math.random() * 0x5000))).join('');
}

/** Requests that must be refused, whatever they ask for. */
export function hostileRequests(route: string, example: Example): HostileRequest[] {
  const takesBody = !route.startsWith('GET ') && example.body !== undefined;
  return [
    ...hostilePaths(route, example),
    ...hostileQueries(route, example),
    ...(takesBody ? hostileBodies(route, example) : []),
  ];
}

/** The path of an example, with something in the place of one of its parameters. */
export function pathOf(
  route: string,
  { params = {}, query }: Example,
  instead: Readonly<Record<string, string>> = {},
): string {
  const path = route.slice(route.indexOf(' ') + 1).replaceAll(/:(\w+)/g, (_, name: string) => {
    return instead[name] ?? encodeURIComponent(params[name] ?? '');
  });
  return query === undefined ? path : `${path}?${new URLSearchParams(query)}`;
}

function hostilePaths(route: string, example: Example): HostileRequest[] {
  const names = Object.keys(example.params ?? {}).filter((name) => route.split('/').includes(`:${name}`));
  return names.flatMap((name) =>
    HOSTILE_SEGMENTS.map((segment) => ({
      what: `${segment.slice(0, 20)} as ${name}`,
      path: pathOf(route, example, { [name]: segment }),
      body: example.body,
    })),
  );
}

function hostileQueries(route: string, example: Example): HostileRequest[] {
  const path = pathOf(route, example);
  const join = path.includes('?') ? '&' : '?';
  const twice = Object.entries(example.query ?? {}).filter(([name]) => name !== 'server');
  return [
    { what: 'U+0000 in the query', path: `${path}${join}org.example=%00`, body: example.body },
    ...twice.map(([name, value]) => ({
      what: `${name} twice`,
      path: `${path}&${new URLSearchParams({ [name]: value })}`,
      body: example.body,
    })),
  ];
}

function hostileBodies(route: string, example: Example): HostileRequest[] {
  const path = pathOf(route, example);
  const whole = HOSTILE_BODIES.map(([what, body]) => ({ what, path, body }));
  const noObjects = NO_OBJECTS.map((body) => ({ what: `${body} as body`, path, body }));
  if (example.freeForm) return [...whole, ...noObjects];
  const fields = replaced(example.body, othersOf).map(({ what, value }) => ({ what, path, body: value }));
  return [...whole, ...noObjects, ...fields];
}

/** Each value in an object or array replaced by others, one at a time, at any depth. */
function replaced(value: unknown, others: (inner: unknown) => readonly unknown[]): { what: string; value: unknown }[] {
  if (typeof value !== 'object' || value === null) return [];
  const put = (key: string, other: unknown) =>
    Array.isArray(value) ? value.with(Number(key), other) : { ...value, [key]: other };
  return Object.entries(value).flatMap(([key, inner]) => [
    ...others(inner).map((other) => ({ what: `${key} = ${JSON.stringify(other)}`, value: put(key, other) })),
    ...replaced(inner, others).map((deeper) => ({ what: `${key}.${deeper.what}`, value: put(key, deeper.value) })),
  ]);
}

function othersOf(value: unknown): readonly unknown[] {
  return value === null ? [] : (OTHERS[Array.isArray(value) ? 'array' : typeof value] ?? []);
}
