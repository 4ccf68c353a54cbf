import type { Bus } from '@ganglion/bus';
import { ANNOUNCEMENTS, TOKENS_REVOKED } from '@ganglion/contracts';
import type { Announcements, EndedTokens, UserChangeRecord } from '../domain/ports.js';
import type { OutboxPublisher } from './outbox-publisher.js';

/** Tells the other services over the bus. */
export class Announcer implements Announcements {
  constructor(
    private readonly bus: Bus,
    private readonly publisher: OutboxPublisher,
  ) {}

  tokensEnded(tokens: EndedTokens): void {
    this.#revoked(tokens, false);
  }

  tokensReplaced(tokens: EndedTokens): void {
    this.#revoked(tokens, true);
  }

  changed(changes: readonly UserChangeRecord[]): void {
    const last = changes.at(-1);
    if (last === undefined) return;
    this.bus.broadcast(ANNOUNCEMENTS, { id: last.userId, seq: last.userSeq });
    this.publisher.publish(changes);
  }

  #revoked(tokens: EndedTokens, replaced: boolean): void {
    const [first] = tokens;
    if (first === undefined) return;
    const tokenHashes = tokens.map(({ hash }) => hash);
    const deviceIds = [...new Set(tokens.map(({ deviceId }) => deviceId))];
    this.bus.broadcast(TOKENS_REVOKED, { tokenHashes, replaced, userId: first.userId, deviceIds });
  }
}
