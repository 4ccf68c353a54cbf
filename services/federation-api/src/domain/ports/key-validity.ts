/** Identity servers, of which one can ask whether they still stand by a key. */
export interface KeyValidity {
  /**
   * @param url where the room was told to ask
   * @throws MatrixError M_SERVER_NOT_TRUSTED, M_UNKNOWN (502) when nobody answers
   */
  isValid(url: string, publicKey: string): Promise<boolean>;
}
