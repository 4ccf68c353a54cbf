import type { Bus } from '@ganglion/bus';
import { KEY_CHANGES } from '@ganglion/contracts';
import type {
  GetKeyChangesRequest,
  GetKeyChangesResponse,
  KeyChange,
  KeyLog,
  ListKeyHeadsRequest,
  ListKeyHeadsResponse,
} from '@ganglion/contracts/keys';

/** What changed of somebody's keys: for everybody to see, or a signature of somebody else's. */
export interface Change {
  readonly listChanged?: boolean;
  readonly signedUserIds?: readonly string[];
}

/** Keys as key-server tells of them, and the log that consumers catch up from. */
export class TestKeys implements KeyLog {
  readonly #changes = new Map<string, KeyChange[]>();

  constructor(private readonly bus: Bus) {}

  /** Changes keys, and tells of it. */
  async change(userId: string, change: Change = { listChanged: true }): Promise<KeyChange> {
    const stored = this.store(userId, change);
    await this.bus.publish(KEY_CHANGES, stored, { key: userId });
    return stored;
  }

  /** Puts a change into the log of which the bus is not told. */
  store(userId: string, { listChanged = false, signedUserIds = [] }: Change = { listChanged: true }): KeyChange {
    const changes = this.#changes.get(userId) ?? [];
    this.#changes.set(userId, changes);
    const change = { userId, seq: changes.length + 1, listChanged, signedUserIds: [...signedUserIds] };
    changes.push(change);
    return change;
  }

  async listKeyHeads({ sinceCursor }: ListKeyHeadsRequest): Promise<ListKeyHeadsResponse> {
    const heads = [...this.#changes].map(([userId, changes]) => ({ userId, seq: changes.length }));
    return { heads, cursor: sinceCursor };
  }

  async getKeyChanges({ userId, afterSeq }: GetKeyChangesRequest): Promise<GetKeyChangesResponse> {
    const changes = this.#changes.get(userId) ?? [];
    const after = changes.filter(({ seq }) => seq > afterSeq);
    if (after.length === 0) return { change: undefined };
    const signedUserIds = [...new Set(after.flatMap((change) => change.signedUserIds))];
    return {
      change: { userId, seq: changes.length, listChanged: after.some((change) => change.listChanged), signedUserIds },
    };
  }
}
