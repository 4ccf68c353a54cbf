/** A token that lets people make accounts. */
export interface RegistrationToken {
  readonly token: string;
  /** How many accounts may be made with it; undefined for any number. */
  readonly usesAllowed: number | undefined;
  /** How many were made. */
  readonly uses: number;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number | undefined;
}

/** How a token is to be limited; null takes a limit away, and what is undefined stays as it is. */
export interface RegistrationTokenLimits {
  readonly usesAllowed?: number | null | undefined;
  readonly expiresAtMs?: number | null | undefined;
}

export interface RegistrationTokenStore {
  list(): Promise<RegistrationToken[]>;
  find(token: string): Promise<RegistrationToken | undefined>;
  /** False when there is such a token. */
  create(token: string, limits: RegistrationTokenLimits): Promise<boolean>;
  /** The token as it is then; undefined when there is none. */
  update(token: string, limits: RegistrationTokenLimits): Promise<RegistrationToken | undefined>;
  /** False when there was none. */
  remove(token: string): Promise<boolean>;
}
