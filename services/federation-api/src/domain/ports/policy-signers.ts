import type { JsonValue, Pdu } from '@ganglion/protocol';

/** Policy servers, which sign what they recommend. */
export interface PolicySigners {
  /**
   * What the server answers, whatever that is.
   *
   * @throws MatrixError as it refuses, with a status of 5xx when it cannot be reached
   */
  sign(origin: string, serverName: string, pdu: Pdu): Promise<JsonValue>;
}
