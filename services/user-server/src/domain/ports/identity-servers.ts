import type { ThirdPartyAddress } from './third-party-id-store.js';

/** By what a client shows an identity server that an address is its user's. */
export interface IdentityProof {
  readonly idServer: string;
  readonly idAccessToken: string;
  readonly sessionId: string;
  readonly clientSecret: string;
}

/** Servers that tell by which address a user is found. */
export interface IdentityServers {
  /**
   * Lets a user be found; by what.
   *
   * @throws MatrixError M_SERVER_NOT_TRUSTED, M_THREEPID_AUTH_FAILED or what the identity server refuses with, M_UNKNOWN when it
   *   cannot be reached
   */
  bind(userId: string, proof: IdentityProof): Promise<ThirdPartyAddress>;
  /** Lets a user be found no more; false when the identity server does not do that, or cannot be reached. */
  unbind(userId: string, id: ThirdPartyAddress, idServer: string): Promise<boolean>;
}
