import { Coalescer } from '@ganglion/contracts';
import type { Database } from '@ganglion/database';
import { Gatherer } from '@ganglion/service';
import type {
  DeviceMessageModel,
  DeviceMessages,
  DeviceName,
  InboxPage,
  InboxSpan,
  MessageList,
  Recipient,
} from '../domain/ports/device-message-model.js';
import {
  type ForgottenInbox,
  forgetAllBut,
  forgetInboxes,
  handOver,
  inboxPages,
  type WantedPage,
} from './device-message-statements.js';

/** As many as the specification recommends. */
const MAX_MESSAGES = 100;
const MAX_CHARACTERS = 1_000_000;
/** What devices ask for while a statement is on its way goes with the next one. */
const GATHER_MS = 0;
/** One statement brings no more pages than these, as all of them are in memory at once: the next one runs when they are answered. */
const PAGES = 32;

interface MessageRow extends Record<string, unknown> {
  page: number;
  position: number;
  found: number;
  json: string;
}

type Listed = readonly [messageNid: number, userId: string, deviceId: string, size: number];

/** Messages of devices in PostgreSQL: kept by whoever is sent them, placed by the appender, read by every replica. */
export class DeviceMessageStore implements DeviceMessageModel {
  /** Those who come at the same time are read at the same time. */
  readonly #inboxes = new Coalescer<string, InboxSpan[]>(async (userIds) => {
    const { rows } = await this.db.query<InboxSpan & { userId: string }>({
      name: 'device-inboxes',
      text: `SELECT user_id AS "userId", device_id AS "deviceId", min(position) AS first, max(position) AS last
        FROM sync.device_inbox WHERE user_id = ANY($1) GROUP BY user_id, device_id`,
      values: [userIds],
    });
    const byUser = Map.groupBy(rows, ({ userId }) => userId);
    return userIds.map((userId) => byUser.get(userId) ?? []);
  });

  readonly #reads = new Gatherer<WantedPage, ReadonlyMap<WantedPage, InboxPage>>(
    GATHER_MS,
    (pages) => this.#read(pages),
    PAGES,
  );
  readonly #forgets = new Gatherer<ForgottenInbox>(GATHER_MS, (inboxes) => this.#forget(inboxes));

  constructor(private readonly db: Database) {}

  async handOver(requests: readonly DeviceMessages[]): Promise<void> {
    await this.db.query(handOver(requests));
  }

  async handedOver(limit: number): Promise<MessageList[]> {
    const { rows } = await this.db.query<{ list_id: number; messages: string }>({
      name: 'handed-over-device-messages',
      text: 'SELECT list_id, messages FROM sync.new_device_messages ORDER BY list_id LIMIT $1',
      values: [limit],
    });
    return rows.map(({ list_id, messages }) => ({
      listId: list_id,
      messages: (JSON.parse(messages) as Listed[]).map(([messageNid, userId, deviceId, size]) => ({
        ...{ messageNid, userId, deviceId, size },
      })),
    }));
  }

  async inbox({ userId, deviceId }: DeviceName, above: number, upTo: number): Promise<InboxPage> {
    const wanted = { userId, deviceId, above, upTo };
    return (await this.#reads.add(wanted)).get(wanted) ?? { messages: [], hasMore: false };
  }

  async #read(pages: readonly WantedPage[]): Promise<ReadonlyMap<WantedPage, InboxPage>> {
    const limits = { limit: MAX_MESSAGES, size: MAX_CHARACTERS };
    const { rows } = await this.db.query<MessageRow>(inboxPages({ pages, ...limits }));
    const byPage = Map.groupBy(rows, ({ page }) => page);
    return new Map(
      Array.from(byPage, ([page, messages]) => [
        pages[page]!,
        { messages, hasMore: messages[0]!.found > messages.length },
      ]),
    );
  }

  async forgetInbox({ userId, deviceId }: DeviceName, upTo: number): Promise<void> {
    await this.#forgets.add({ userId, deviceId, upTo });
  }

  async #forget(inboxes: readonly ForgottenInbox[]): Promise<void> {
    const ordered = inboxes.toSorted(
      (one, other) => compare(one.userId, other.userId) || compare(one.deviceId, other.deviceId),
    );
    await this.db.query(forgetInboxes(ordered));
  }

  inboxes(userId: string): Promise<InboxSpan[]> {
    return this.#inboxes.load(userId);
  }

  async usersWithMessages(afterUser: string, limit: number): Promise<string[]> {
    const { rows } = await this.db.query<{ user_id: string }>({
      name: 'users-with-messages',
      text: `SELECT DISTINCT user_id FROM sync.device_inbox WHERE user_id > $1 ORDER BY user_id LIMIT $2`,
      values: [afterUser, limit],
    });
    return rows.map((row) => row.user_id);
  }

  async forgetAllBut(living: readonly Recipient[], userIds: readonly string[], upTo: number): Promise<void> {
    await this.db.query(forgetAllBut({ living, userIds, upTo }));
  }

  async forgetTransactions(olderThanMs: number): Promise<void> {
    await this.db.query({
      name: 'forget-device-transactions',
      text: `DELETE FROM sync.device_transactions WHERE created_at < now() - $1 * interval '1 millisecond'`,
      values: [olderThanMs],
    });
  }
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
