import { createHash } from 'node:crypto';
import type { Bus, Subscription } from '@ganglion/bus';
import { accountExpired, isMatrixError, MatrixError, TOKENS_REVOKED, userLocked } from '@ganglion/contracts';
import type { Tokens, TokensRevoked, WhoIsResponse } from '@ganglion/contracts/user';
import { LRUCache } from 'lru-cache';
import type { Requester, Sighting, TokenVerifier } from './authentication.js';
import type { TokenRevocations } from './token-revocations.js';
import { type Waiting, WaitingRequests } from './waiting-requests.js';

/** How long an answer is trusted when a broadcast of its revocation was missed. */
const TRUST_MS = 10_000;
const MAX_TOKENS = 50_000;
/** Of those whose end may have been missed, how many are asked for at once. */
const ASKED_AT_ONCE = 50;

/**
 * Asks user-server who a token belongs to and remembers the answer for a few seconds. A revocation is broadcast, so that
 * a token stops working everywhere at once, for requests that wait, too. When the bus says that broadcasts may have been
 * missed, nothing is remembered any more, and the tokens of those who wait are asked for again; while it is away, all of
 * this happens every TRUST_MS.
 */
export class CachingTokenVerifier implements TokenVerifier, TokenRevocations {
  readonly #cache = new LRUCache<string, Promise<Requester>>({
    maxSize: MAX_TOKENS,
    sizeCalculation: () => 1,
    ttl: TRUST_MS,
  });
  readonly #waiting = new WaitingRequests();
  #subscription: Subscription | undefined;
  #ignoreResets = () => {};
  #doubts: NodeJS.Timeout | undefined;
  #mayHaveMissedSome = false;

  constructor(
    private readonly tokens: Tokens,
    private readonly bus: Bus,
  ) {}

  async start(): Promise<void> {
    this.#ignoreResets = this.bus.onReset(() => this.#doubt());
    this.#subscription = await this.bus.listen(TOKENS_REVOKED, (revoked) => this.#revoke(revoked));
    this.#doubts = setInterval(() => void this.#recheck(), TRUST_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#doubts);
    this.#ignoreResets();
    await this.#subscription?.stop();
  }

  async verify(accessToken: string, sighting?: Sighting): Promise<Requester> {
    const tokenHash = createHash('sha256').update(accessToken).digest();
    const key = keyOf(tokenHash);
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const asked = this.#ask(tokenHash, key, sighting);
    this.#cache.set(key, asked);
    // A failure is not an answer to remember: the next request asks again.
    asked.catch(() => this.#cache.delete(key));
    return asked;
  }

  whileValid<T>(requester: Requester, work: Promise<T>): Promise<T> {
    const token = keyOf(requester.tokenHash);
    return this.#waiting.until(requester, token, work, (waiting) => {
      // What has ended since the request was let in is remembered no more.
      if (!this.#cache.has(token)) void this.#checkAgain(waiting);
    });
  }

  async #ask(tokenHash: Buffer, key: string, sighting?: Sighting): Promise<Requester> {
    const answer = await this.tokens.whoIs({ tokenHash, ...sighting });
    this.#endWithToken(key, answer);
    const { userId, deviceId, deviceNid, admin, guest, lockedBecause, suspended, accountExpiresAtMs } = answer;
    return { userId, deviceId, deviceNid, admin, guest, lockedBecause, suspended, accountExpiresAtMs, tokenHash };
  }

  /** A token that expires sooner than TRUST_MS must not be trusted past its end. */
  #endWithToken(key: string, { expiresAtMs }: WhoIsResponse): void {
    if (expiresAtMs === 0) return;
    const left = expiresAtMs - Date.now();
    if (left <= 0) throw new MatrixError(401, 'M_UNKNOWN_TOKEN', 'The access token has expired', { soft_logout: true });
    if (left < TRUST_MS) setTimeout(() => this.#cache.delete(key), left).unref();
  }

  /** A device that has replaced its token goes on, and what it waits for reaches it yet: until the device ends, too. */
  #revoke({ tokenHashes, replaced, userId, deviceIds, ownerChanged }: TokensRevoked): void {
    for (const hash of tokenHashes) this.#cache.delete(keyOf(hash));
    if (replaced && !ownerChanged) return;
    const ended = new Set(ownerChanged ? [] : tokenHashes.map(keyOf));
    for (const waiting of deviceIds.flatMap((deviceId) => this.#waiting.of({ userId, deviceId }))) {
      if (ended.has(waiting.token)) waiting.end(revoked());
      else void this.#checkAgain(waiting);
    }
  }

  #doubt(): void {
    this.#cache.clear();
    this.#mayHaveMissedSome = true;
    void this.#recheck();
  }

  /** Asks for the tokens of those who wait, if the end of one may have been missed. */
  async #recheck(): Promise<void> {
    if (!this.#mayHaveMissedSome && this.bus.connected) return;
    this.#mayHaveMissedSome = false;
    const { all } = this.#waiting;
    for (let start = 0; start < all.length; start += ASKED_AT_ONCE) {
      await Promise.all(all.slice(start, start + ASKED_AT_ONCE).map((waiting) => this.#checkAgain(waiting)));
    }
  }

  async #checkAgain(waiting: Waiting): Promise<void> {
    try {
      const owner = await this.tokens.whoIs({ tokenHash: Buffer.from(waiting.token, 'base64') });
      const { lockedBecause, accountExpiresAtMs = Number.POSITIVE_INFINITY } = owner;
      if (lockedBecause !== undefined) waiting.end(userLocked(lockedBecause));
      else if (accountExpiresAtMs <= Date.now()) waiting.end(accountExpired());
    } catch (error) {
      if (isMatrixError(error) && error.status === 401) waiting.end(error);
      else this.#mayHaveMissedSome = true;
    }
  }
}

function keyOf(tokenHash: Uint8Array): string {
  return Buffer.from(tokenHash).toString('base64');
}

function revoked(): MatrixError {
  return new MatrixError(401, 'M_UNKNOWN_TOKEN', 'The access token is no longer valid', { soft_logout: false });
}
