import type { Bus } from '@ganglion/bus';
import { ANNOUNCEMENTS, TOKENS_REVOKED } from '@ganglion/contracts';
import type { TokensRevoked } from '@ganglion/contracts/user';
import type { Announcements, EndedDevices, EndedTokens, UserChangeRecord } from '../domain/ports.js';

/** Tells the other services over the bus. */
export class Announcer implements Announcements {
  constructor(
    private readonly bus: Bus,
    private readonly publisher: { publish(changes: readonly UserChangeRecord[]): void },
  ) {}

  tokensEnded(tokens: EndedTokens): void {
    this.#revoked(tokens, { replaced: false });
  }

  devicesGone({ ended, changes }: EndedDevices): void {
    this.tokensEnded(ended);
    this.changed(changes);
  }

  devicesEnded(userId: string, deviceIds: readonly string[]): void {
    if (deviceIds.length === 0) return;
    this.bus.broadcast(TOKENS_REVOKED, { replaced: false, tokenHashes: [], userId, deviceIds: [...deviceIds] });
  }

  tokensReplaced(tokens: EndedTokens): void {
    this.#revoked(tokens, { replaced: true });
  }

  /** Replicas of an earlier release know of nothing but tokens that are replaced: they ask again at least. */
  tokenOwnerChanged(tokens: EndedTokens): void {
    this.#revoked(tokens, { replaced: true, ownerChanged: true });
  }

  changed(changes: readonly UserChangeRecord[]): void {
    const last = changes.at(-1);
    if (last === undefined) return;
    this.bus.broadcast(ANNOUNCEMENTS, { id: last.userId, seq: last.userSeq });
    this.publisher.publish(changes);
  }

  #revoked(tokens: EndedTokens, how: Pick<TokensRevoked, 'replaced' | 'ownerChanged'>): void {
    const [first] = tokens;
    if (first === undefined) return;
    const tokenHashes = tokens.map(({ hash }) => hash);
    const deviceIds = [...new Set(tokens.map(({ deviceId }) => deviceId))];
    this.bus.broadcast(TOKENS_REVOKED, { ...how, tokenHashes, userId: first.userId, deviceIds });
  }
}
