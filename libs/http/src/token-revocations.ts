import type { Requester } from './authentication.js';

/** For requests that wait until something happens: their token may end meanwhile. */
export interface TokenRevocations {
  /**
   * Settles as the work does, unless the token ends before it: with M_UNKNOWN_TOKEN then, at once, whichever replica has
   * ended it. The work itself is not stopped by that: it has to end with the connection, as it does when a client hangs up.
   *
   * @throws MatrixError M_UNKNOWN_TOKEN, and whatever the work throws
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout
   */
  whileValid<T>(requester: Requester, work: Promise<T>): Promise<T>;
}

export const TOKEN_REVOCATIONS = Symbol('TokenRevocations');

/** Where nobody hears of revocations, a token ends with the next request. */
export const NO_REVOCATIONS: TokenRevocations = { whileValid: (_, work) => work };
