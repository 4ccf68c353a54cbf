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

  tokensEnded(hashes: EndedTokens): void {
    if (hashes.length > 0) this.bus.broadcast(TOKENS_REVOKED, { tokenHashes: [...hashes] });
  }

  changed(changes: readonly UserChangeRecord[]): void {
    const last = changes.at(-1);
    if (last === undefined) return;
    this.bus.broadcast(ANNOUNCEMENTS, { id: last.userId, seq: last.userSeq });
    this.publisher.publish(changes);
  }
}
