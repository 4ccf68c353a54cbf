/** May be a number that JSON.stringify would write otherwise. Text inside strings can match too; that only costs time. */
const SUSPICIOUS = /(?:^|[[:,\s])(?:-0|-?\d{16}|-?\d{1,15}[.eE])/;

/** A number as it was written, and as it would be kept. */
export interface RewrittenNumber {
  readonly written: string;
  readonly kept: string;
}

type Reviver = (this: unknown, key: string, value: unknown) => unknown;

/**
 * The first number in a JSON text that would not be written again as it was: an integer beyond ±(2^53 - 1), more digits than
 * a double holds, or another spelling, such as 1.0 and 1e3.
 *
 * @param json known to be JSON, and not to be nested without end
 */
export function rewrittenNumber(json: string): RewrittenNumber | undefined {
  if (!SUSPICIOUS.test(json)) return undefined;
  let found: RewrittenNumber | undefined;
  const look = (_key: string, value: unknown, { source }: { readonly source?: string }) => {
    if (typeof value === 'number' && source !== undefined && source !== JSON.stringify(value)) {
      found ??= { written: source, kept: JSON.stringify(value) };
    }
    return value;
  };
  JSON.parse(json, look as Reviver);
  return found;
}
