import type { Database } from '@ganglion/database';
import type { LeavingMessageModel, WaitingMessage } from '../domain/ports/device-message-model.js';

const MAX_CHARACTERS = 1_000_000;

/** What waits to leave for other servers, in PostgreSQL. Of one device it is read in the order in which it was sent. */
export class LeavingMessageStore implements LeavingMessageModel {
  constructor(private readonly db: Database) {}

  async leaving(limit: number): Promise<readonly WaitingMessage[]> {
    const { rows } = await this.db.query<WaitingMessage & Record<string, unknown>>({
      name: 'leaving-device-messages',
      text: `
        SELECT message_nid AS "messageNid", server_name AS "serverName", sender, event_type AS "eventType",
          message_id AS "messageId", messages
        FROM (
          SELECT *, sum(length(messages)) OVER (ORDER BY message_nid) - length(messages) AS size_before
          FROM (SELECT * FROM sync.leaving_device_messages ORDER BY message_nid LIMIT $1) AS page
        ) AS sized
        WHERE size_before < $2 ORDER BY message_nid`,
      values: [limit, MAX_CHARACTERS],
    });
    return rows;
  }

  async forgetLeaving(messageNids: readonly number[]): Promise<void> {
    await this.db.query({
      name: 'forget-leaving-device-messages',
      text: 'DELETE FROM sync.leaving_device_messages WHERE message_nid = ANY($1::bigint[])',
      values: [messageNids],
    });
  }
}
