import type { ListErasedUsersRequest, ListErasedUsersResponse } from '@ganglion/contracts/user';

/** Who knows which users of ours were erased. */
export interface ErasureSource {
  listErasedUsers(request: ListErasedUsersRequest): Promise<ListErasedUsersResponse>;
}

const PAGE = 1_000;
/** Further back than any erasure that was under way when the list was last read. */
const OVERLAP_MS = 3_600_000;
/** So long an erasure may go unnoticed. */
const LOOK_EVERY_MS = 1_000;

/**
 * The users of ours who were erased, kept, and asked for anew when somebody wants to know them: every replica learns of an
 * erasure within a second.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate
 */
export class ErasedUsers {
  readonly #users = new Set<string>();
  /** Milliseconds since the epoch: everybody, once, then whoever was erased since. */
  #sinceMs = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(private readonly source: ErasureSource) {}

  /** @throws what the user-server cannot be reached for, as long as nothing is known */
  async known(): Promise<ReadonlySet<string>> {
    if (performance.now() - this.#lookedAt >= LOOK_EVERY_MS) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
    }
    return this.#users;
  }

  async #look(): Promise<void> {
    const [begunAt, begunMs] = [performance.now(), Date.now()];
    try {
      for (let afterUser = ''; ; ) {
        const asked = { sinceMs: this.#sinceMs, afterUser, limit: PAGE };
        const { userIds } = await this.source.listErasedUsers(asked);
        for (const userId of userIds) this.#users.add(userId);
        afterUser = userIds.at(-1) ?? '';
        if (userIds.length < PAGE) break;
      }
      this.#sinceMs = begunMs - OVERLAP_MS;
    } catch (error) {
      // What other servers ask for does not wait for another service, once it is known who was erased before.
      if (this.#sinceMs === 0) throw error;
    }
    this.#lookedAt = begunAt;
  }
}
