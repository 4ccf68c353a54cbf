/** May be a number that JSON.stringify would write otherwise. Text inside strings can match too; that only costs time. */
const SUSPICIOUS = /(?:^|[[:,\s])(?:-0|-?\d{16}|-?\d{1,15}[.eE])/;

/** So many digits a double tells apart, whatever they are. */
const SURE_DIGITS = 15;

/** A number as it was written, and as it would be kept. */
export interface RewrittenNumber {
  readonly written: string;
  readonly kept: string;
  /** Whether it is another number then, as far as its digits say: more than 15 of them may be. */
  readonly isOther: boolean;
}

type Reviver = (this: unknown, key: string, value: unknown) => unknown;

/**
 * A number in a JSON text that would not be written again as it was: an integer beyond ±(2^53 - 1), more digits than
 * a double holds, or another spelling, such as 1.0 and 1e3. Of several, one that would be another number.
 *
 * @param json known to be JSON, and not to be nested without end
 */
export function rewrittenNumber(json: string): RewrittenNumber | undefined {
  if (!SUSPICIOUS.test(json)) return undefined;
  let found: RewrittenNumber | undefined;
  const look = (_key: string, value: unknown, { source }: { readonly source?: string }) => {
    if (typeof value === 'number' && source !== undefined && source !== JSON.stringify(value)) {
      const isOther = significantDigits(source) > SURE_DIGITS || !Number.isFinite(value);
      if (found?.isOther !== true) found = { written: source, kept: JSON.stringify(value), isOther };
    }
    return value;
  };
  JSON.parse(json, look as Reviver);
  return found;
}

function significantDigits(number: string): number {
  const [digits = ''] = number.split(/[eE]/);
  return digits.replace(/[-.]/g, '').replace(/^0+/, '').length;
}
