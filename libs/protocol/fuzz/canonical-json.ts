import {
  CanonicalJsonError,
  canonicalJsonString,
  encodeCanonicalJson,
  JsonSyntaxError,
  type JsonValue,
  parseJson,
} from '@ganglion/protocol';
import fc from 'fast-check';
import { hostileJsonText } from './hostile-json.ts';

/** JSON text of any kind is refused or has one canonical form, which an encoder of the plainest sort confirms. */
export const canonicalJson = fc.property(hostileJsonText, (text) => {
  const value = unless(JsonSyntaxError, () => parseJson(text));
  if (value === undefined) return;
  const strict = unless(CanonicalJsonError, () => canonicalJsonString(value));
  const tolerant = unless(CanonicalJsonError, () => canonicalJsonString(value, { strict: false }));
  if (strict !== undefined) {
    equal(strict, plainly(value), 'the strict form must be the plain one');
    equal(strict, tolerant, 'what is strictly canonical must be so in tolerant mode');
    equal(strict, new TextDecoder().decode(encodeCanonicalJson(value)), 'bytes and text must agree');
  }
  if (tolerant !== undefined) {
    const again = canonicalJsonString(parseJson(tolerant), { strict: false });
    equal(again, tolerant, 'the canonical form of a canonical form must be itself');
  }
});

/** The result of a function, or undefined when it throws the one error that it may. */
function unless<T>(allowed: new (message: string) => Error, run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof allowed) return undefined;
    throw error;
  }
}

/** Canonical JSON without any thought of speed: keys sorted as bytes, everything else as JSON.stringify has it. */
function plainly(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(plainly).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${entries.map(([key, child]) => `${JSON.stringify(key)}:${plainly(child ?? null)}`).join(',')}}`;
}

function equal(left: string, right: string | undefined, message: string): void {
  if (left !== right) throw new Error(`${message}: ${left} is not ${right}`);
}
