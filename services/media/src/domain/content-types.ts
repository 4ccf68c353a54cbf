const TOKEN = "[a-z0-9!#$%&'*+.^_`|~-]+";
const TYPE = new RegExp(`^(${TOKEN}/${TOKEN})\\s*(?:;.*)?$`, 'i');
const MAX_LENGTH = 255;

const UNKNOWN_TYPE = 'application/octet-stream';

/**
 * What browsers may show in place: they take what has one of these types for nothing else.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#serving-inline-content
 */
const INLINE = new Set([
  ...['text/css', 'text/plain', 'text/csv', 'application/json', 'application/ld+json'],
  ...['image/jpeg', 'image/gif', 'image/png', 'image/apng', 'image/webp', 'image/avif'],
  ...['video/mp4', 'video/webm', 'video/ogg', 'video/quicktime'],
  ...['audio/mp4', 'audio/webm', 'audio/aac', 'audio/mpeg', 'audio/ogg', 'audio/wave', 'audio/wav', 'audio/x-wav'],
  ...['audio/x-pn-wav', 'audio/flac', 'audio/x-flac'],
]);

/** A content type as it may stand in a header, with its parameters; anything else is not known to be of any type. */
export function contentTypeOf(header: string | undefined): string {
  if (header === undefined || header.length > MAX_LENGTH || !/^[\x20-\x7e]*$/.test(header)) return UNKNOWN_TYPE;
  return TYPE.test(header.trim()) ? header.trim() : UNKNOWN_TYPE;
}

/** Without parameters, in lower case. */
function essenceOf(contentType: string): string {
  return TYPE.exec(contentType)?.[1]?.toLowerCase() ?? UNKNOWN_TYPE;
}

export function mayBeInline(contentType: string): boolean {
  return INLINE.has(essenceOf(contentType));
}

/** Which content types may be uploaded. Patterns are in lower case; `image/*` is every image. */
export class TypePolicy {
  constructor(
    private readonly allowed: readonly string[],
    private readonly refused: readonly string[],
  ) {}

  allows(contentType: string): boolean {
    const essence = essenceOf(contentType);
    if (this.refused.some((pattern) => matches(pattern, essence))) return false;
    return this.allowed.length === 0 || this.allowed.some((pattern) => matches(pattern, essence));
  }
}

function matches(pattern: string, essence: string): boolean {
  return pattern.endsWith('/*') ? essence.startsWith(pattern.slice(0, -1)) : essence === pattern;
}
