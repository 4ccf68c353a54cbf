import { Coalescer } from '@ganglion/contracts';
import type { Database } from '@ganglion/database';
import type {
  DeviceMessageModel,
  DeviceMessages,
  DeviceName,
  InboxPage,
  InboxSpan,
  MessageList,
  Recipient,
} from '../domain/ports/device-message-model.js';
import { forgetAllBut, handOver, inboxPage } from './device-message-statements.js';

/** As many as the specification recommends. */
const MAX_MESSAGES = 100;
const MAX_CHARACTERS = 1_000_000;

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
    const wanted = { userId, deviceId, above, upTo, limit: MAX_MESSAGES, size: MAX_CHARACTERS };
    const { rows } = await this.db.query<{ position: number; found: number; json: string }>(inboxPage(wanted));
    return { messages: rows, hasMore: (rows[0]?.found ?? 0) > rows.length };
  }

  async forgetInbox({ userId, deviceId }: DeviceName, upTo: number): Promise<void> {
    await this.db.query({
      name: 'forget-device-inbox',
      text: `WITH had AS (
          DELETE FROM sync.device_inbox WHERE user_id = $1 AND device_id = $2 AND position <= $3 RETURNING message_nid)
        DELETE FROM sync.device_messages m USING had WHERE m.message_nid = had.message_nid`,
      values: [userId, deviceId, upTo],
    });
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
