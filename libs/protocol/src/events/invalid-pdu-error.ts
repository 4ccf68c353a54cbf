import { ProtocolError } from '../errors.js';

/** Something that is not an event of its room version: which field is wrong, and why. */
export class InvalidPduError extends ProtocolError {
  constructor(
    /** The path of the field, for example `content` or `signatures.example.org`; empty for the whole event. */
    readonly field: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(field === '' ? `Invalid event: ${reason}` : `Invalid event: ${field} ${reason}`, options);
  }
}

/** An event of more than 65,536 bytes, or with a field beyond its own limit. */
export class PduTooLargeError extends InvalidPduError {}
