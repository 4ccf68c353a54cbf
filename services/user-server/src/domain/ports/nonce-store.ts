export interface NonceStore {
  /** Notes that a nonce is used, for a while at least; only one caller is told true. */
  use(nonce: string, rememberMs: number): Promise<boolean>;
}
