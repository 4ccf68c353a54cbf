import { MAX_BYTES_A_UNIT, utf8ByteLength } from '../text/utf8.js';

/** No user id, room id, alias, event id, event type or state key is longer, counted in bytes of UTF-8. */
export const MAX_IDENTIFIER_BYTES = 255;

/**
 * True when a string takes more than 255 bytes of UTF-8.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#common-identifier-format
 */
export function exceedsIdentifierLimit(text: string): boolean {
  // Bytes are counted only where the length does not tell.
  if (MAX_BYTES_A_UNIT * text.length <= MAX_IDENTIFIER_BYTES) return false;
  return text.length > MAX_IDENTIFIER_BYTES || utf8ByteLength(text) > MAX_IDENTIFIER_BYTES;
}
