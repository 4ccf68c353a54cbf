import type { Letter } from './email-store.js';
import type { EndedTokens } from './session-store.js';

/** An account that ends soon, or has ended. */
export interface Expiring {
  readonly userId: string;
  /** Those e-mail addresses that are its owner's. */
  readonly addresses: readonly string[];
}

/** What was made of an account. */
export interface Renewed {
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** The tokens whose owner may do something else since. */
  readonly tokens: EndedTokens;
}

export interface Validity {
  readonly userId: string;
  readonly expiresAtMs: number;
  /** Whether its owner is to be sent e-mails about its end. */
  readonly renewalEmails: boolean;
}

/** What makes a link that renews an account. */
export interface Renewal {
  readonly tokenHash: Buffer;
  readonly letters: readonly Letter[];
}

/** When accounts end. */
export interface AccountValidityStore {
  /** Notes that ends are looked after, and puts them off by as long as nobody has, if that was long. */
  keepClock(): Promise<void>;
  /** Lets accounts that have no end yet end after a period; how many there were, of at most so many. */
  begin(periodMs: number, limit: number): Promise<number>;
  /**
   * Writes to the owners of accounts that end within a while, who have not heard of it yet and have an address; how many there were,
   * of at most so many.
   */
  tellSome(withinMs: number, most: number, write: (expiring: Expiring) => Renewal): Promise<number>;
  /** Writes to the owner of an account, who has asked for it; whether they have an address. */
  tell(userId: string, write: (expiring: Expiring) => Renewal): Promise<boolean>;
  /** Lets an account go on, once for each link. Undefined when the link is over. */
  renew(tokenHash: Buffer, periodMs: number): Promise<Renewed | undefined>;
  /** Undefined when there is no such account, or it is one that does not end. */
  set(validity: Validity): Promise<Renewed | undefined>;
}
