/** How a message travels between processes. */
export interface Codec<T> {
  encode(message: T): Uint8Array;
  /** @throws any error when the bytes are not such a message; the message is parked then. */
  decode(bytes: Uint8Array): T;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Messages as JSON; `parse` checks what arrives and throws when it is not a T. */
export function jsonCodec<T>(parse: (input: unknown) => T): Codec<T> {
  return {
    encode: (message) => encoder.encode(JSON.stringify(message)),
    decode: (bytes) => parse(JSON.parse(decoder.decode(bytes))),
  };
}
