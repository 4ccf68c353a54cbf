import type { Moderation } from './moderation.js';
import type { ModerationStore } from './ports/moderation-store.js';
import type { PreviewStore } from './ports/preview-ports.js';
import type { ErasedUsers } from './ports/surroundings.js';

/** In milliseconds and bytes; undefined is for ever, and any amount. */
export interface RetentionPolicy {
  readonly localUnusedMs: number | undefined;
  readonly remoteUnusedMs: number | undefined;
  readonly remoteMaxBytes: number | undefined;
}

const AT_ONCE = 500;
/** Further back than any erasure that was under way when the list was last read. */
const OVERLAP_MS = 3_600_000;
const RULE = { actor: 'retention' };
const ERASURE = { actor: 'erasure' };

/** Lets files go that have been there for long enough, and those of users who wished to be forgotten. */
export class Retention {
  /** Everybody, once; then whoever was erased since. */
  #erasedSinceMs = 0;

  constructor(
    private readonly moderation: Moderation,
    private readonly store: ModerationStore,
    private readonly erased: ErasedUsers,
    private readonly localNames: readonly string[],
    private readonly policy: RetentionPolicy,
    private readonly previews: Pick<PreviewStore, 'oldImages' | 'forgetOld'>,
  ) {}

  /** Any number of replicas may do it at once. */
  async apply(): Promise<void> {
    await this.#forgetErased();
    await this.#forgetPreviews();
    const { localUnusedMs, remoteUnusedMs, remoteMaxBytes } = this.policy;
    if (localUnusedMs !== undefined) {
      await this.moderation.removeUnused({ sinceMs: Date.now() - localUnusedMs, keepProfiles: true }, RULE);
    }
    if (remoteUnusedMs !== undefined) await this.moderation.removeRemote(Date.now() - remoteUnusedMs, RULE);
    if (remoteMaxBytes !== undefined) await this.#shrinkTo(remoteMaxBytes);
  }

  async #forgetErased(): Promise<void> {
    const begunMs = Date.now();
    for (let after = ''; ; ) {
      const userIds = await this.erased.list(this.#erasedSinceMs, after, AT_ONCE);
      for (const userId of userIds) await this.#removeAllOf(userId);
      after = userIds.at(-1) ?? '';
      if (userIds.length < AT_ONCE) break;
    }
    this.#erasedSinceMs = begunMs - OVERLAP_MS;
  }

  async #forgetPreviews(): Promise<void> {
    await this.previews.forgetOld();
    for (;;) {
      const names = await this.previews.oldImages(AT_ONCE);
      if (names.length > 0) await this.store.remove({ names }, AT_ONCE, { ...RULE, reason: 'of an old preview' });
      if (names.length < AT_ONCE) return;
    }
  }

  async #removeAllOf(userId: string): Promise<void> {
    while ((await this.moderation.removeOfUser(userId, AT_ONCE, ERASURE)).length === AT_ONCE);
  }

  async #shrinkTo(maxBytes: number): Promise<void> {
    for (;;) {
      const names = await this.store.leastUsed(this.localNames, maxBytes, AT_ONCE);
      if (names.length > 0)
        await this.store.remove({ names }, AT_ONCE, { ...RULE, reason: 'too many bytes of other servers' });
      if (names.length < AT_ONCE) return;
    }
  }
}
