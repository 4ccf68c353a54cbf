import { ProtocolError } from '../errors.js';
import type { JsonValue } from './json-value.js';
import { rememberNumberLiteral } from './number-literals.js';

/** Text that is not JSON, or is nested too deeply to be read with care. */
export class JsonSyntaxError extends ProtocolError {}

/**
 * May hold a number that canonical JSON would write otherwise. It is looked for up to what ends it, so that addresses and times in
 * strings are none; other text inside strings can match, which only costs time.
 */
const SUSPICIOUS_NUMBER = /(?:^|[[:,\s])(?:-0|-?\d{16,}|-?\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+))(?:[\s,\]}]|$)/;

/** Whether a JSON text may hold a number that JSON.parse does not tell from how it would write it. */
export function mayHoldUnusualNumber(text: string): boolean {
  return SUSPICIOUS_NUMBER.test(text);
}

/**
 * Reads JSON text and remembers what JSON.parse would lose: that a number was written as 1.0, 1e3 or -0, or is an integer
 * too large for a double. Strict canonical JSON then refuses such a number, and tolerant canonical JSON writes it as it was.
 * Of duplicate keys the last one counts.
 *
 * @throws {JsonSyntaxError} when the text is not JSON
 * @see https://spec.matrix.org/v1.19/appendices/#canonical-json
 */
export function parseJson(text: string): JsonValue {
  try {
    return mayHoldUnusualNumber(text) ? JSON.parse(text, rememberLiteral as Reviver) : JSON.parse(text);
  } catch (error) {
    throw new JsonSyntaxError(error instanceof Error ? error.message : 'not JSON', { cause: error });
  }
}

type Reviver = (this: unknown, key: string, value: unknown) => unknown;

function rememberLiteral(this: object, key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value === 'number' && context.source !== undefined && context.source !== String(value)) {
    rememberNumberLiteral(this, key, context.source);
  }
  return value;
}
