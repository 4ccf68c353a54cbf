type Write = (value: never) => string;

const quote = (text: string): string => `"${/[\\"]/.test(text) ? text.replace(/[\\"]/g, '\\$&') : text}"`;

const number: Write = (value: number | bigint) => String(value);
const boolean: Write = (value: boolean) => (value ? 't' : 'f');
const text: Write = quote;
const bytes: Write = (value: Uint8Array) =>
  `"\\\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}"`;
const time: Write = (value: Date) => value.toISOString();
const list =
  (writeItem: Write): Write =>
  (items: readonly never[]) =>
    quote(literalOf(items, writeItem));

/** How a value of each type is written inside of an array; arrays in an array are texts, to be cast on arrival. */
const WRITERS = {
  smallint: number,
  integer: number,
  bigint: number,
  float8: number,
  boolean,
  text,
  jsonb: text,
  bytea: bytes,
  timestamptz: time,
  'integer[]': list(number),
  'bigint[]': list(number),
  'text[]': list(text),
} satisfies Record<string, Write>;

/** The types that a column of rows given to a statement may have, by their names in PostgreSQL. */
export type ColumnType = keyof typeof WRITERS;

/** What a value of a column is in JavaScript. JSON is given as its text. */
export interface ColumnValues {
  smallint: number;
  integer: number;
  bigint: number | bigint;
  float8: number;
  boolean: boolean;
  text: string;
  jsonb: string;
  bytea: Uint8Array;
  timestamptz: Date;
  'integer[]': readonly number[];
  'bigint[]': readonly (number | bigint)[];
  'text[]': readonly string[];
}

/** One column of rows as the text of a PostgreSQL array, which the driver would make one item at a time by patterns. */
export function columnLiteral(rows: readonly object[], column: string, type: ColumnType): string {
  const write = WRITERS[type];
  let literal = '';
  for (const row of rows) literal += `,${item((row as Record<string, unknown>)[column], write)}`;
  return `{${literal.slice(1)}}`;
}

function literalOf(items: readonly unknown[], write: Write): string {
  return `{${items.map((value) => item(value, write)).join(',')}}`;
}

function item(value: unknown, write: Write): string {
  return value === undefined || value === null ? 'NULL' : write(value as never);
}
