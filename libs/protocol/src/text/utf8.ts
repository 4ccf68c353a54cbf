/** The most bytes that UTF-8 needs for a unit of a JavaScript string. */
export const MAX_BYTES_A_UNIT = 3;

/** How many bytes a string has in UTF-8. */
export function utf8ByteLength(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}
