import { randomBytes } from 'node:crypto';
import { MatrixError, type RateLimiter, takeOrThrow } from '@ganglion/contracts';
import { canonicalEmail } from '@ganglion/protocol';
import { addressInUse, mediumNotSupported, notConfirmed } from './email-failures.js';
import { forbidden, invalidParam } from './failures.js';
import type {
  ConfirmedEmail,
  EmailPurpose,
  EmailStore,
  Letter,
  LetterKind,
  LetterWriter,
  ThirdPartyIdStore,
} from './ports.js';
import { seal, unseal } from './sealed.js';
import { hashToken, newToken } from './session-tokens.js';

export const EMAIL = 'email';

/** What e-mails are like. */
export interface EmailSettings {
  readonly linkLifetimeMs: number;
  readonly revealAccounts: boolean;
  /** Hosts that a link may lead on to. */
  readonly nextLinkHosts: readonly string[];
  /** Where links lead to, by server name. */
  readonly baseUrls: ReadonlyMap<string, string>;
}

/** Where an e-mail is asked for, and from where. */
export interface EmailPlace {
  readonly serverName: string;
  /** The neighbourhood of who asks. */
  readonly network: string;
}

/** Who asks for an e-mail, as a client says it. */
export interface TokenRequest {
  readonly email: string;
  readonly clientSecret: string;
  readonly sendAttempt: number;
  readonly nextLink?: string | undefined;
}

/** A session of an e-mail, and the secret of who asked for it. */
export interface EmailCredentials {
  readonly sessionId: string;
  readonly clientSecret: string;
}

const LETTERS: Readonly<Record<EmailPurpose, LetterKind>> = {
  register: 'confirm-registration',
  password: 'reset-password',
  contact: 'confirm-address',
};

/** Where the link of an e-mail leads to. */
export const CONFIRM_PATH = '/_ganglion/client/email/confirm';

/**
 * Shows whose an e-mail address is: an e-mail brings a link that only its owner can follow.
 *
 * What is answered does not tell whether an address has an account, unless that is configured; its owner is told in an e-mail.
 */
export class Emails {
  constructor(
    /** Undefined where no e-mail is sent. */
    private readonly settings: EmailSettings | undefined,
    private readonly registrationIsOpen: boolean,
    private readonly store: EmailStore,
    private readonly addresses: ThirdPartyIdStore,
    private readonly letters: LetterWriter,
    private readonly limiter: RateLimiter,
    /** A letter is to be sent now. */
    private readonly onLetter: () => void,
  ) {}

  get enabled(): boolean {
    return this.settings !== undefined;
  }

  /**
   * Sends the link that shows that an address belongs to who asks; the session's id.
   *
   * @throws MatrixError M_THREEPID_MEDIUM_NOT_SUPPORTED where no e-mail is sent, M_INVALID_PARAM, M_LIMIT_EXCEEDED, M_FORBIDDEN
   *   when nobody may register; M_THREEPID_IN_USE and M_THREEPID_NOT_FOUND where it is no secret who has an account
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3registeremailrequesttoken
   */
  async request(purpose: EmailPurpose, asked: TokenRequest, { serverName, network }: EmailPlace): Promise<string> {
    const { settings } = this;
    if (settings === undefined) throw mediumNotSupported('This server sends no e-mails');
    if (purpose === 'register' && !this.registrationIsOpen) throw forbidden('Registration is disabled');
    const address = canonicalEmail(asked.email);
    if (address === undefined) throw invalidParam('email is not an e-mail address');
    const { clientSecret, sendAttempt } = asked;
    const nextLink = allowedLink(asked.nextLink, settings.nextLinkHosts);
    const request = { purpose, serverName, address, secretHash: hashToken(clientSecret), sendAttempt, nextLink };
    if (sendAttempt > (await this.store.lastAttempt(request))) await this.#count(address, network);
    const kind = await this.#letterFor(settings, purpose, serverName, address);
    const token = newToken('get');
    const fresh = {
      sessionId: randomBytes(16).toString('base64url'),
      tokenHash: hashToken(token),
      sealedToken: seal(token, clientSecret),
    };
    const sessionId = await this.store.open(request, fresh, settings.linkLifetimeMs, (session): Letter | undefined => {
      const token = unseal<string>(session.sealedToken, clientSecret);
      const link = linkTo(settings.baseUrls, serverName, CONFIRM_PATH, { sid: session.sessionId, token });
      return kind && this.letters.write(kind, address, { server: serverName, link });
    });
    this.onLetter();
    return sessionId;
  }

  /**
   * Whether a link does nothing until somebody says that they mean it: one that sets another password. Mail servers look at links, and
   * whoever may set it has the account.
   */
  async isToBeMeant(sessionId: string, token: string): Promise<boolean> {
    return (await this.store.purposeOf(sessionId, hashToken(token))) === 'password';
  }

  /**
   * Somebody has followed a link; where to go from it.
   *
   * @throws MatrixError M_NOT_FOUND when it is over, or none of ours
   */
  async confirm(sessionId: string, token: string): Promise<string | undefined> {
    const confirmed = await this.store.confirm(sessionId, hashToken(token));
    if (confirmed === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'This link is over, or not complete');
    return confirmed.nextLink;
  }

  /** @throws MatrixError M_THREEPID_AUTH_FAILED when the link has not been followed */
  async confirmed(
    credentials: EmailCredentials,
    purpose: EmailPurpose,
    serverName: string,
    status: 400 | 401 = 400,
  ): Promise<ConfirmedEmail> {
    const email = await this.#find(credentials, purpose, serverName);
    if (email === undefined) throw notConfirmed(status);
    return email;
  }

  /** Whether a session is one of ours, for that, and its link has been followed. */
  async isConfirmed(credentials: EmailCredentials, purpose: EmailPurpose, serverName: string): Promise<boolean> {
    return (await this.#find(credentials, purpose, serverName)) !== undefined;
  }

  async #find({ sessionId, clientSecret }: EmailCredentials, purpose: EmailPurpose, serverName: string) {
    const email = await this.store.findConfirmed(sessionId, hashToken(clientSecret));
    return email?.purpose === purpose && email.serverName === serverName ? email : undefined;
  }

  /**
   * Counts an e-mail, whether or not one goes to an address that may have no account. Not by address alone, or anybody could
   * keep its owner from getting any; what all networks may do together is more.
   */
  async #count(address: string, network: string): Promise<void> {
    await takeOrThrow(this.limiter, 'emails_per_recipient_from_network', `${address} ${network}`);
    await takeOrThrow(this.limiter, 'emails_per_recipient', address);
  }

  /** What its owner is written. @throws MatrixError where it may be said that the address cannot be used so */
  async #letterFor(
    { revealAccounts }: EmailSettings,
    purpose: EmailPurpose,
    serverName: string,
    address: string,
  ): Promise<LetterKind | undefined> {
    const isInUse = (await this.addresses.owner(serverName, { medium: EMAIL, address })) !== undefined;
    if (isInUse === (purpose === 'password')) return LETTERS[purpose];
    if (!revealAccounts) return isInUse ? 'address-in-use' : undefined;
    throw isInUse ? addressInUse() : new MatrixError(400, 'M_THREEPID_NOT_FOUND', 'This address belongs to no account');
  }
}

/** A link to where a server name is reached. */
export function linkTo(
  baseUrls: ReadonlyMap<string, string>,
  serverName: string,
  path: string,
  query: Record<string, string>,
): string {
  const base = (baseUrls.get(serverName) ?? '').replace(/\/+$/, '');
  return `${base}${path}?${new URLSearchParams(query)}`;
}

/** Nobody is sent on to a place that merely a client has named. */
function allowedLink(link: string | undefined, hosts: readonly string[]): string | undefined {
  if (link === undefined || !URL.canParse(link)) return undefined;
  const { protocol, host, hostname, href } = new URL(link);
  const isAllowed = /^https?:$/.test(protocol) && (hosts.includes(host) || hosts.includes(hostname));
  return isAllowed ? href : undefined;
}
