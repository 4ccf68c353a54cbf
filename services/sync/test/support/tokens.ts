import type { Bus } from '@ganglion/bus';
import { MatrixError, TOKENS_REVOKED } from '@ganglion/contracts';
import type { Tokens, WhoIsRequest } from '@ganglion/contracts/user';
import type { Requester, TokenVerifier } from '@ganglion/http';

/** Tokens that say whose they are, as `<user id> <device id>`, until they are ended. */
export class TestTokens implements TokenVerifier, Tokens {
  readonly #ended = new Set<string>();

  constructor(private readonly bus: Bus) {}

  async verify(token: string): Promise<Requester> {
    return { ...(await this.whoIs({ tokenHash: Buffer.from(token) })), tokenHash: Buffer.from(token) };
  }

  async whoIs({ tokenHash }: WhoIsRequest) {
    const name = decodeURIComponent(tokenHash.toString());
    const [userId = '', deviceId = ''] = name.split(' ');
    const isKnown = userId.startsWith('@') && !this.#ended.has(name);
    if (!isKnown) throw new MatrixError(401, 'M_UNKNOWN_TOKEN', 'No such token');
    return { userId, deviceId, admin: false, guest: userId.startsWith('@guest'), expiresAtMs: 0 };
  }

  /** Ends the session of a device, and tells of it as user-server does. */
  end(userId: string, deviceId = 'DEVICE'): void {
    this.#ended.add(`${userId} ${deviceId}`);
    const tokenHashes = [Buffer.from(encodeURIComponent(`${userId} ${deviceId}`))];
    this.bus.broadcast(TOKENS_REVOKED, { tokenHashes, replaced: false, userId, deviceIds: [deviceId] });
  }
}
