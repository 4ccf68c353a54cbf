import { ProtocolError } from '../errors.js';
import { utf8ByteLength } from '../text/utf8.js';
import type { JsonObject, JsonValue } from './json-value.js';
import { numberLiteral } from './number-literals.js';

/** A value that has no canonical JSON: a float, an integer out of range, a lone surrogate, too deep, too long, or no JSON at all. */
export class CanonicalJsonError extends ProtocolError {}

export interface CanonicalJsonOptions {
  /** Room versions 6 and later: numbers are integers in ±(2^53 - 1) and nothing else. Default: true. */
  readonly strict?: boolean;
  /** How many arrays and objects may enclose one another. Default: `MAX_JSON_NESTING`. */
  readonly maxNesting?: number;
  /** How many bytes the result may have. Default: any number. */
  readonly maxBytes?: number;
}

/** Far beyond anything a room uses, and short of what overflows the stack of any consumer. */
export const MAX_JSON_NESTING = 512;

/** What is sent around such values, so that none of them keeps what it is sent with from being written. */
export const MAX_ENVELOPE_NESTING = MAX_JSON_NESTING + 32;

/**
 * The canonical JSON of a value as a string.
 *
 * A property whose value is undefined is left out, as JSON.stringify does. In tolerant mode (room versions 1 to 5)
 * floats and large integers are written as they were received if `parseJson` read them.
 *
 * @throws {CanonicalJsonError} when the value has no canonical form
 * @see https://spec.matrix.org/v1.19/appendices/#canonical-json
 */
export function canonicalJsonString(value: JsonValue, options: CanonicalJsonOptions = {}): string {
  const { strict = true, maxNesting = MAX_JSON_NESTING, maxBytes = Infinity } = options;
  const text =
    typeof value === 'number' ? encodeNumber(value, undefined, strict) : encodeValue(value, strict, maxNesting);
  if (maxBytes !== Infinity && utf8ByteLength(text) > maxBytes) {
    throw new CanonicalJsonError(`longer than ${maxBytes} bytes`);
  }
  return text;
}

const utf8 = new TextEncoder();

/**
 * The canonical JSON of a value as UTF-8 bytes: what is hashed and signed.
 *
 * @throws {CanonicalJsonError} when the value has no canonical form
 * @see https://spec.matrix.org/v1.19/appendices/#canonical-json
 */
export function encodeCanonicalJson(value: JsonValue, options: CanonicalJsonOptions = {}): Uint8Array {
  return utf8.encode(canonicalJsonString(value, options));
}

/**
 * The canonical JSON of each property of an object, name and colon included, in canonical order: joined with commas and put
 * in braces they are the canonical JSON of the object, or of what is left of it without some.
 *
 * @throws {CanonicalJsonError} when one of them has no canonical form
 * @see https://spec.matrix.org/v1.19/appendices/#canonical-json
 */
export function canonicalMembers(object: JsonObject, options: CanonicalJsonOptions = {}): Map<string, string> {
  const { strict = true, maxNesting = MAX_JSON_NESTING } = options;
  const members = new Map<string, string>();
  for (const key of sortedKeys(object)) {
    if (object[key] !== undefined) members.set(key, encodeMember(object, key, strict, maxNesting - 1));
  }
  return members;
}

function encodeValue(value: unknown, strict: boolean, nestingLeft: number): string {
  switch (typeof value) {
    case 'string':
      return encodeString(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (nestingLeft <= 0) throw new CanonicalJsonError('nested too deeply');
      return Array.isArray(value)
        ? encodeArray(value, strict, nestingLeft - 1)
        : encodeObject(value as JsonObject, strict, nestingLeft - 1);
    default:
      throw new CanonicalJsonError(`a ${typeof value} is not JSON`);
  }
}

function encodeArray(array: readonly JsonValue[], strict: boolean, nestingLeft: number): string {
  let text = '[';
  for (let index = 0; index < array.length; index++) {
    const item = array[index];
    if (index > 0) text += ',';
    text +=
      typeof item === 'number'
        ? encodeNumber(item, numberLiteral(array, String(index)), strict)
        : encodeValue(item, strict, nestingLeft);
  }
  return `${text}]`;
}

function encodeObject(object: JsonObject, strict: boolean, nestingLeft: number): string {
  let text = '';
  for (const key of sortedKeys(object)) {
    if (object[key] === undefined) continue;
    text += `${text === '' ? '' : ','}${encodeMember(object, key, strict, nestingLeft)}`;
  }
  return `{${text}}`;
}

function encodeMember(object: JsonObject, key: string, strict: boolean, nestingLeft: number): string {
  const value = object[key];
  const encoded =
    typeof value === 'number'
      ? encodeNumber(value, numberLiteral(object, key), strict)
      : encodeValue(value, strict, nestingLeft);
  return `${encodeString(key)}:${encoded}`;
}

function encodeNumber(value: number, literal: string | undefined, strict: boolean): string {
  if (strict) {
    if (literal !== undefined) throw new CanonicalJsonError(`${literal} is not how canonical JSON writes a number`);
    if (!Number.isSafeInteger(value)) throw new CanonicalJsonError(`${value} is not an integer in ±(2^53 - 1)`);
  } else if (!Number.isFinite(value)) throw new CanonicalJsonError(`${value} is not JSON`);
  return literal === undefined || isPlainInteger(value, literal) ? String(value) : literal;
}

/** -0 and 1e10 have one plain form. A float such as 1.0 or a huge integer stays as its sender wrote and hashed it. */
function isPlainInteger(value: number, literal: string): boolean {
  return Number.isSafeInteger(value) && !literal.includes('.');
}

/** Anything but the characters that JSON carries as they are: then there is something to escape, or half a pair to find. */
const NEEDS_CARE = /[^\x20\x21\x23-\x5b\x5d-\ud7ff\ue000-\uffff]/;

function encodeString(text: string): string {
  if (!NEEDS_CARE.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new CanonicalJsonError('a string holds half of a surrogate pair');
  return JSON.stringify(text);
}

const SURROGATE = /[\ud800-\udfff]/;

/** Canonical order is by code point; JavaScript's is by UTF-16 code unit, which differs only where surrogates are. */
function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object).sort();
  return keys.some((key) => SURROGATE.test(key)) ? keys.sort(compareCodePoints) : keys;
}

/**
 * Compares two strings by code point, which is also the order of their UTF-8 bytes.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#canonical-json
 */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above U+FFFF, so they rank after U+E000 to U+FFFF. */
function codePointRank(codeUnit: number): number {
  if (codeUnit < 0xd800) return codeUnit;
  return codeUnit < 0xe000 ? codeUnit + 0x2000 : codeUnit - 0x800;
}
