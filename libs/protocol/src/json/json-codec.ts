import type { JsonValue } from './json-value.js';
import { numberLiteral } from './number-literals.js';
import { mayHoldUnusualNumber, parseJson } from './parse-json.js';

/** Reads JSON text, and writes what was made of it. */
export interface JsonCodec {
  /** @throws SyntaxError or JsonSyntaxError when the text is not JSON */
  parse(text: string): unknown;
  stringify(value: object): string;
}

/** Loses nothing of how numbers are written, and costs more than JSON itself. */
export const exactJson: JsonCodec = {
  parse: parseJson,
  stringify: (value) => JSON.stringify(value, asWritten),
};

/**
 * With what to read an event, and to write it or a part of it again, so that its numbers stay as they were written: it is JSON
 * itself where none is lost. Room versions 1 to 5 have such numbers, as 1.0 or 2^63, in what is hashed and signed.
 *
 * @param text of the event
 * @param rules of its room, which mostly save looking at the text
 * @see https://spec.matrix.org/v1.19/rooms/v6/#canonical-json
 */
export function jsonCodec(text: string, rules?: { readonly strictCanonicalJson: boolean }): JsonCodec {
  return rules?.strictCanonicalJson === true || !mayHoldUnusualNumber(text) ? JSON : exactJson;
}

/** Writes a number as `parseJson` found it. */
function asWritten(this: object, key: string, value: JsonValue): unknown {
  const literal = typeof value === 'number' ? numberLiteral(this, key) : undefined;
  return literal === undefined ? value : rawJson(literal);
}

/** Text that JSON.stringify writes as it is. */
const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): object };
