import { utf8ByteLength } from '../text/utf8.js';

/** What SMTP carries at most, and nothing that could be taken for two addresses or for more than an address. */
const MAX_BYTES = 254;
const ADDRESS = /^[^\p{C}\p{Z}@<>(),;:\\"[\]]+@[^\p{C}\p{Z}@<>(),;:\\"[\]]+$/u;

/**
 * An e-mail address in the form in which it is stored and compared; undefined for what is none.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#3pid-types
 */
export function canonicalEmail(address: string): string | undefined {
  // Up and down again: letters that have several small forms come out the same, as in case folding.
  const folded = address.trim().toUpperCase().toLowerCase();
  return ADDRESS.test(folded) && utf8ByteLength(folded) <= MAX_BYTES ? folded : undefined;
}
