import { jsonCodec } from '@ganglion/protocol';

/** The elements of a list in JSON; undefined when the text is anything else. */
export function parseList(json: string): unknown[] | undefined {
  try {
    const value: unknown = jsonCodec(json).parse(json);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
