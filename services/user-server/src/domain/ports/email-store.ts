/** What somebody shows that an e-mail address is theirs for. */
export type EmailPurpose = 'register' | 'password' | 'contact';

/** An e-mail, written. */
export interface Letter {
  readonly recipient: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** What letters there are. */
export type LetterKind =
  | 'confirm-registration'
  | 'reset-password'
  | 'confirm-address'
  | 'address-in-use'
  | 'renew-account';

/** What a letter says besides to whom it goes. */
export interface LetterWords {
  readonly server: string;
  readonly link: string;
  /** Whose account it is about, where it says so. */
  readonly user?: string;
}

/** Writes e-mails. */
export interface LetterWriter {
  write(kind: LetterKind, recipient: string, words: LetterWords): Letter;
}

/** What an e-mail is asked for. */
export interface EmailRequest {
  readonly purpose: EmailPurpose;
  readonly serverName: string;
  /** In the form in which it is compared. */
  readonly address: string;
  /** Stands for the secret that only the client knows. */
  readonly secretHash: Buffer;
  /** A number that has grown asks for another e-mail; any other is the same request once more. */
  readonly sendAttempt: number;
  /** Where to go from the link in the e-mail. */
  readonly nextLink: string | undefined;
}

/** What makes a session; of no use where there is one already. */
export interface NewEmailSession {
  readonly sessionId: string;
  readonly tokenHash: Buffer;
  /** What the e-mail brings, sealed with the client's secret. */
  readonly sealedToken: Buffer;
}

/** An address whose owner has followed the link. */
export interface ConfirmedEmail {
  readonly sessionId: string;
  readonly purpose: EmailPurpose;
  readonly serverName: string;
  readonly address: string;
  readonly confirmedAtMs: number;
}

export interface EmailStore {
  /** The attempt that the last e-mail of a request was sent for; 0 when none was. */
  lastAttempt(request: EmailRequest): Promise<number>;
  /**
   * The id of the session of a request, which is made when there is none, together with the letter if one is to be sent.
   *
   * @param write the letter of a session; undefined when nobody is to be written to
   */
  open(
    request: EmailRequest,
    fresh: NewEmailSession,
    lifetimeMs: number,
    write: (session: Pick<NewEmailSession, 'sessionId' | 'sealedToken'>) => Letter | undefined,
  ): Promise<string>;
  /** Notes that a link has been followed, however often that is; undefined when there is no such session any more. */
  confirm(sessionId: string, tokenHash: Buffer): Promise<{ readonly nextLink: string | undefined } | undefined>;
  /** What a session is for whose link has been looked at; undefined when there is no such session any more. */
  purposeOf(sessionId: string, tokenHash: Buffer): Promise<EmailPurpose | undefined>;
  /** Undefined when there is none, or its link has not been followed yet. */
  findConfirmed(sessionId: string, secretHash: Buffer): Promise<ConfirmedEmail | undefined>;
}
