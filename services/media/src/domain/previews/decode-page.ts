/** Far enough for what a page says of its character set. */
const LOOK_BYTES = 4_096;

/**
 * The text of a page: by its byte order mark, what its server says, or what it says itself; else UTF-8.
 *
 * @see https://html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding
 */
export function decodePage(bytes: Buffer, contentType: string): string {
  return (
    markedDecoder(bytes) ??
    decoder(charsetOf(contentType)) ??
    decoder(declared(bytes)) ??
    new TextDecoder()
  ).decode(bytes);
}

function markedDecoder(bytes: Buffer): TextDecoder | undefined {
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be');
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le');
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? new TextDecoder() : undefined;
}

function charsetOf(contentType: string): string | undefined {
  return /;\s*charset\s*=\s*["']?([^\s"';]{1,40})/i.exec(contentType)?.[1];
}

function declared(bytes: Buffer): string | undefined {
  const start = bytes.toString('latin1', 0, LOOK_BYTES);
  const label =
    /<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w:.-]{1,40})/i.exec(start)?.[1] ??
    /^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w:.-]{1,40})/i.exec(start)?.[1];
  // Who could read that far has not got UTF-16.
  return label !== undefined && /^utf-?16/i.test(label) ? 'utf-8' : label;
}

/** Undefined for a name of none. */
function decoder(label: string | undefined): TextDecoder | undefined {
  if (label === undefined) return undefined;
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}
