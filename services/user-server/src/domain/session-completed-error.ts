/** What is to be done was done already, by another request of the same authentication session: nothing has changed now. */
export class SessionCompletedError extends Error {
  override readonly name = 'SessionCompletedError';
}
