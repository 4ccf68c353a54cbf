import { ProtocolError } from '../errors.js';

/** A string that is not the identifier it should be; says which kind was wanted and why this is none. */
export class InvalidIdentifierError extends ProtocolError {
  constructor(
    readonly kind: string,
    readonly reason: string,
  ) {
    super(`Not a valid ${kind}: ${reason}`);
  }
}

/** True when `parse` accepts the value, false when it refuses it as no identifier. */
export function accepts(parse: (value: string) => unknown, value: unknown): value is string {
  if (typeof value !== 'string') return false;
  try {
    parse(value);
    return true;
  } catch (error) {
    if (error instanceof InvalidIdentifierError) return false;
    throw error;
  }
}
