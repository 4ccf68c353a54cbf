import { createHash } from 'node:crypto';
import type { Bus, Subscription } from '@ganglion/bus';
import { MatrixError, TOKENS_REVOKED } from '@ganglion/contracts';
import type { Tokens, WhoIsResponse } from '@ganglion/contracts/user';
import { LRUCache } from 'lru-cache';
import type { Requester, TokenVerifier } from './authentication.js';

/** How long an answer is trusted when a broadcast of its revocation was missed. */
const TRUST_MS = 10_000;
const MAX_TOKENS = 50_000;

/**
 * Asks user-server who a token belongs to and remembers the answer for a few seconds. A revocation is broadcast, so that
 * a token stops working everywhere at once. When the bus says that broadcasts may have been missed, nothing is remembered
 * any more; while it is away, an answer is forgotten after TRUST_MS.
 */
export class CachingTokenVerifier implements TokenVerifier {
  readonly #cache = new LRUCache<string, Promise<Requester>>({
    maxSize: MAX_TOKENS,
    sizeCalculation: () => 1,
    ttl: TRUST_MS,
  });
  #subscription: Subscription | undefined;
  #ignoreResets = () => {};

  constructor(
    private readonly tokens: Tokens,
    private readonly bus: Bus,
  ) {}

  async start(): Promise<void> {
    this.#ignoreResets = this.bus.onReset(() => this.#cache.clear());
    this.#subscription = await this.bus.listen(TOKENS_REVOKED, ({ tokenHashes }) => {
      for (const hash of tokenHashes) this.#cache.delete(hash.toString('base64'));
    });
  }

  async stop(): Promise<void> {
    this.#ignoreResets();
    await this.#subscription?.stop();
  }

  async verify(accessToken: string): Promise<Requester> {
    const tokenHash = createHash('sha256').update(accessToken).digest();
    const key = tokenHash.toString('base64');
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const asked = this.#ask(tokenHash, key);
    this.#cache.set(key, asked);
    // A failure is not an answer to remember: the next request asks again.
    asked.catch(() => this.#cache.delete(key));
    return asked;
  }

  async #ask(tokenHash: Buffer, key: string): Promise<Requester> {
    const answer = await this.tokens.whoIs({ tokenHash });
    this.#endWithToken(key, answer);
    return { userId: answer.userId, deviceId: answer.deviceId, admin: answer.admin, guest: answer.guest, tokenHash };
  }

  /** A token that expires sooner than TRUST_MS must not be trusted past its end. */
  #endWithToken(key: string, { expiresAtMs }: WhoIsResponse): void {
    if (expiresAtMs === 0) return;
    const left = expiresAtMs - Date.now();
    if (left <= 0) throw new MatrixError(401, 'M_UNKNOWN_TOKEN', 'The access token has expired', { soft_logout: true });
    if (left < TRUST_MS) setTimeout(() => this.#cache.delete(key), left).unref();
  }
}
