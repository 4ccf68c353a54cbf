import { Coalescer } from '@ganglion/contracts';
import { unknownToken } from './failures.js';
import type { LastSeen, Whereabouts } from './last-seen.js';
import type { Announcements, SessionStore, TokenOwner } from './ports.js';

/** Answers the question of every request: whose access token is this? */
export class TokenOwners {
  readonly #lookUps: Coalescer<Buffer, TokenOwner | undefined>;

  constructor(
    private readonly store: SessionStore,
    private readonly announcements: Announcements,
    private readonly lastSeen: LastSeen,
  ) {
    this.#lookUps = new Coalescer((hashes) => store.owners(hashes));
  }

  /**
   * @throws MatrixError M_UNKNOWN_TOKEN, with soft_logout when the token has expired
   * @see https://spec.matrix.org/v1.19/client-server-api/#using-access-tokens
   */
  async whoIs(tokenHash: Buffer, from?: Whereabouts): Promise<TokenOwner> {
    const owner = await this.#lookUps.load(tokenHash);
    if (owner === undefined) throw unknownToken('The access token is not known');
    if (owner.expired) throw unknownToken('The access token has expired', true);
    if (owner.unusedRefreshTokenId !== undefined) await this.#confirm(owner, owner.unusedRefreshTokenId);
    this.lastSeen.record(owner.userId, owner.deviceId, from);
    return owner;
  }

  /** The first use of a token from a refresh ends what it replaces. */
  async #confirm(owner: TokenOwner, refreshTokenId: number): Promise<void> {
    const ended = await this.store.confirmRefresh(owner, refreshTokenId);
    if (ended === undefined) throw unknownToken('The access token is not known');
    this.announcements.tokensReplaced(ended);
  }
}
