import type { ByteRange } from './ports/byte-store.js';

/** Nothing of what is asked for is there. */
export const UNSATISFIABLE = 'unsatisfiable';

/**
 * The part of a file that a Range header asks for. Undefined, which is all of it, for a header that is none, and for several
 * ranges at once, which no answer has to honour.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function byteRange(header: string | undefined, bytes: number): ByteRange | typeof UNSATISFIABLE | undefined {
  const match = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const [from = '', to = ''] = match.slice(1);
  if (from === '') {
    const length = Math.min(Number(to), bytes);
    return length === 0 ? UNSATISFIABLE : { first: bytes - length, last: bytes - 1 };
  }
  const first = Number(from);
  const last = to === '' ? bytes - 1 : Number(to);
  if (last < first && to !== '') return undefined;
  return first >= bytes ? UNSATISFIABLE : { first, last: Math.min(last, bytes - 1) };
}
