import { MatrixError, type RateLimiter, takeOrThrow } from '@ganglion/contracts';
import { domainOf } from '@ganglion/protocol';
import { checkAdmin } from './administrators.js';
import { mediumNotSupported } from './email-failures.js';
import { linkTo } from './emails.js';
import { invalidParam, notFound } from './failures.js';
import type { LocalServers } from './local-servers.js';
import type {
  AccountValidityStore,
  Announcements,
  Expiring,
  LetterWriter,
  Renewal,
  Requester,
  Validity,
} from './ports.js';
import { hashToken, newToken } from './session-tokens.js';

export interface AccountValiditySettings {
  readonly periodMs: number;
  readonly renewBeforeMs: number;
}

/** Where the link that renews an account leads to. */
export const RENEW_PATH = '/_ganglion/client/email/renew';

const AT_ONCE = 1_000;
/** They are locked while their letters are written. */
const TOLD_AT_ONCE = 50;

/** Accounts that end unless they are renewed: by a link in an e-mail, or by an administrator. */
export class AccountValidity {
  constructor(
    /** Undefined where no account ends. */
    private readonly settings: AccountValiditySettings | undefined,
    /** Where links lead to, by server name. Undefined where no e-mail is sent. */
    private readonly baseUrls: ReadonlyMap<string, string> | undefined,
    private readonly store: AccountValidityStore,
    private readonly letters: LetterWriter,
    private readonly announcements: Announcements,
    private readonly servers: LocalServers,
    private readonly limiter: RateLimiter,
    /** A letter is to be sent now. */
    private readonly onLetter: () => void,
  ) {}

  /** The time does not count during which no account could end, nor be renewed: nobody is locked out by what they could not know. */
  async resume(): Promise<void> {
    if (this.settings !== undefined) await this.store.keepClock();
  }

  /** Gives new accounts their end, and writes to those whose accounts end soon. */
  async sweep(): Promise<void> {
    const { settings, baseUrls } = this;
    if (settings === undefined) return;
    await this.resume();
    let begun: number;
    do begun = await this.store.begin(settings.periodMs, AT_ONCE);
    while (begun === AT_ONCE);
    if (baseUrls === undefined) return;
    const write = (expiring: Expiring) => this.#renewal(expiring, baseUrls);
    let told: number;
    do told = await this.store.tellSome(settings.renewBeforeMs, TOLD_AT_ONCE, write);
    while (told === TOLD_AT_ONCE);
    this.onLetter();
  }

  /**
   * Sends the link to the owner of an account, who asks for it.
   *
   * @throws MatrixError M_UNRECOGNIZED where no account ends, M_THREEPID_MEDIUM_NOT_SUPPORTED where no e-mail is sent,
   *   M_THREEPID_NOT_FOUND for who has no address, M_LIMIT_EXCEEDED
   */
  async requestLetter({ userId }: Requester): Promise<void> {
    this.#on();
    const { baseUrls } = this;
    if (baseUrls === undefined) throw mediumNotSupported('This server sends no e-mails');
    await takeOrThrow(this.limiter, 'emails_per_recipient', userId);
    const hasAddress = await this.store.tell(userId, (expiring) => this.#renewal(expiring, baseUrls));
    if (!hasAddress) throw new MatrixError(400, 'M_THREEPID_NOT_FOUND', 'No e-mail address belongs to your account');
    this.onLetter();
  }

  /**
   * Somebody has followed a link: until when their account lasts now, in milliseconds since the epoch. The same link once more
   * gives the same.
   *
   * @throws MatrixError M_NOT_FOUND when it is over, or none of ours
   */
  async renew(token: string): Promise<number> {
    const renewed = this.settings && (await this.store.renew(hashToken(token), this.settings.periodMs));
    if (renewed === undefined) throw notFound('This link is over, or not complete');
    this.announcements.tokenOwnerChanged(renewed.tokens);
    return renewed.expiresAtMs;
  }

  /**
   * An administrator says until when an account lasts, a whole period from now where they do not; when that is, in milliseconds
   * since the epoch.
   *
   * @throws MatrixError M_FORBIDDEN, M_UNRECOGNIZED where no account ends, M_INVALID_PARAM for a user of another server,
   *   M_NOT_FOUND for an account that there is not, or that never ends
   */
  async set(
    requester: Requester,
    { userId, expiresAtMs, renewalEmails }: Omit<Validity, 'expiresAtMs'> & Partial<Validity>,
  ): Promise<number> {
    checkAdmin(requester);
    const { periodMs } = this.#on();
    if (!this.servers.has(domainOf(userId))) throw invalidParam(`${userId} is no user of this server`);
    const validity = { userId, expiresAtMs: expiresAtMs ?? Date.now() + periodMs, renewalEmails };
    const renewed = await this.store.set(validity);
    if (renewed === undefined) throw notFound('There is no such user, or their account never ends');
    this.announcements.tokenOwnerChanged(renewed.tokens);
    return renewed.expiresAtMs;
  }

  #on(): AccountValiditySettings {
    if (this.settings !== undefined) return this.settings;
    throw new MatrixError(404, 'M_UNRECOGNIZED', 'Accounts do not expire on this server: account_validity is not set');
  }

  #renewal({ userId, addresses }: Expiring, baseUrls: ReadonlyMap<string, string>): Renewal {
    const token = newToken('gar');
    const server = domainOf(userId);
    const link = linkTo(baseUrls, server, RENEW_PATH, { token });
    const letters = addresses.map((address) =>
      this.letters.write('renew-account', address, { server, link, user: userId }),
    );
    return { tokenHash: hashToken(token), letters };
  }
}
