import type { KeyChange, KeyLog } from '@ganglion/contracts/keys';
import { LRUCache } from 'lru-cache';
import type { KeyChangeRow } from '../append-batch.js';
import type { DeviceListModel } from '../ports/device-list-model.js';

const MAX_USERS = 20_000;

/**
 * Changes of keys as they are appended: each user's in order, what is missing before one read from the log, and with the rooms
 * of those who have to know.
 */
export class KeyIntake {
  readonly #seqs = new LRUCache<string, number>({ maxSize: MAX_USERS, sizeCalculation: () => 1 });

  constructor(
    private readonly log: KeyLog,
    private readonly model: Pick<DeviceListModel, 'keySeqs' | 'roomsOf'>,
  ) {}

  /** What of these is news, of each user as one change. */
  async news(changes: readonly KeyChange[]): Promise<Omit<KeyChangeRow, 'position'>[]> {
    if (changes.length === 0) return [];
    await this.#know([...new Set(changes.map(({ userId }) => userId))]);
    const byUser = Map.groupBy(changes, ({ userId }) => userId);
    const merged = await Promise.all(Array.from(byUser, ([userId, ofUser]) => this.#merge(userId, ofUser)));
    const news = merged.filter((change) => change !== undefined);
    const lists = news.filter(({ listChanged }) => listChanged).map(({ userId }) => userId);
    const rooms = lists.length === 0 ? new Map<string, readonly number[]>() : await this.model.roomsOf(lists);
    return news.map((change) => ({ ...change, roomNids: rooms.get(change.userId) ?? [] }));
  }

  /** These have been appended. */
  wereAppended(changes: readonly KeyChangeRow[]): void {
    for (const { userId, seq } of changes) this.#seqs.set(userId, seq);
  }

  /** What is known may be ahead of the database. */
  clear(): void {
    this.#seqs.clear();
  }

  async #know(userIds: readonly string[]): Promise<void> {
    const unknown = userIds.filter((userId) => !this.#seqs.has(userId));
    if (unknown.length === 0) return;
    const known = await this.model.keySeqs(unknown);
    for (const userId of unknown) this.#seqs.set(userId, known.get(userId) ?? 0);
  }

  async #merge(userId: string, changes: readonly KeyChange[]): Promise<KeyChange | undefined> {
    const known = this.#seqs.get(userId) ?? 0;
    const news = changes.filter(({ seq }) => seq > known).sort((one, other) => one.seq - other.seq);
    const last = news.at(-1);
    if (last === undefined) return undefined;
    const isWhole = news.every(({ seq }, index) => seq === (news[index - 1]?.seq ?? known) + 1);
    // The log tells of several changes as of one.
    if (!isWhole) return (await this.log.getKeyChanges({ userId, afterSeq: known })).change;
    return {
      ...{ userId, seq: last.seq, listChanged: news.some(({ listChanged }) => listChanged) },
      signedUserIds: [...new Set(news.flatMap(({ signedUserIds }) => signedUserIds))],
    };
  }
}
