import type { SessionCompletion } from './uia-session-store.js';

/** What a user can be reached by outside Matrix. */
export interface ThirdPartyAddress {
  /** Such as email. */
  readonly medium: string;
  readonly address: string;
}

export interface ThirdPartyId extends ThirdPartyAddress {
  /** When its owner has shown that it is theirs. */
  readonly validatedAtMs: number;
  readonly addedAtMs: number;
}

/** An identity server, and how it writes what somebody is found by. */
export interface BoundAt {
  readonly idServer: string;
  readonly written: string;
}

/** What lets somebody be found. */
export interface Binding extends BoundAt {
  readonly userId: string;
  readonly id: ThirdPartyAddress;
}

export interface ThirdPartyIdStore {
  list(userId: string): Promise<ThirdPartyId[]>;
  /** Whose an address is on a server of ours. */
  owner(serverName: string, id: ThirdPartyAddress): Promise<string | undefined>;
  /**
   * Gives a user the address of a confirmed session, which ends with that.
   *
   * @throws EmailSessionGoneError, AddressInUseError, and SessionCompletedError when the authentication session has done it already
   */
  add(userId: string, sessionId: string, completion?: SessionCompletion): Promise<void>;
  /** Nothing happens when it is not the user's. */
  remove(userId: string, id: ThirdPartyAddress): Promise<void>;
  /** Notes that a user is found by an address at an identity server, which writes it so. Of who has gone it is due to be undone. */
  bind(userId: string, id: ThirdPartyAddress, at: BoundAt): Promise<void>;
  unbind(userId: string, id: ThirdPartyAddress, idServer: string): Promise<void>;
  /** At which identity servers a user is found by an address. */
  boundAt(userId: string, id: ThirdPartyAddress): Promise<BoundAt[]>;
  /** By what a user is found at any identity server. */
  bindings(userId: string): Promise<ThirdPartyAddress[]>;
  /** Bindings of accounts that have ended, which are due to be undone; whoever claims them has them for a while. */
  claimLeftBehind(limit: number): Promise<Binding[]>;
}
