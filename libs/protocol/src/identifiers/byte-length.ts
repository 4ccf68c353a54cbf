/** No user id, room id, alias, event id, event type or state key is longer, counted in bytes of UTF-8. */
export const MAX_IDENTIFIER_BYTES = 255;

/** How many bytes a string has in UTF-8. */
export function utf8ByteLength(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

/** True when a string takes more than 255 bytes of UTF-8. */
export function exceedsIdentifierLimit(text: string): boolean {
  return text.length > MAX_IDENTIFIER_BYTES || utf8ByteLength(text) > MAX_IDENTIFIER_BYTES;
}
