import { type Database, rowsOf, sql, statement } from '@ganglion/database';
import type { TakenMessage, TakenMessages } from '../domain/ports/sending.js';
import { queueEdus } from './edu-queue.js';

/** In one order, so that two who take the same ones wait for each other. */
const take = statement(
  'take-device-messages',
  sql<readonly TakenMessage[]>`
  INSERT INTO federation_api.taken_device_messages (message_id)
  SELECT message_id FROM (${rowsOf('m', { message_id: 'text' }, (messages) =>
    messages.map(({ messageId }) => ({ message_id: messageId })),
  )}) AS given ORDER BY message_id
  ON CONFLICT DO NOTHING RETURNING message_id`,
);

/** Messages to devices on their way from their owner to the queues, in PostgreSQL. */
export class PostgresTakenMessages implements TakenMessages {
  constructor(private readonly db: Database) {}

  async take(messages: readonly TakenMessage[]): Promise<void> {
    await this.db.transaction(async (tx) => {
      const { rows } = await tx.query<{ message_id: string }>(take(messages));
      const fresh = new Set(rows.map(({ message_id }) => message_id));
      const edus = messages.filter(({ messageId }) => fresh.has(messageId)).map(({ edu }) => edu);
      await queueEdus(tx, edus);
    });
  }

  async forget(messageIds: readonly string[]): Promise<void> {
    await this.db.query({
      name: 'forget-taken-device-messages',
      text: 'DELETE FROM federation_api.taken_device_messages WHERE message_id = ANY($1::text[])',
      values: [messageIds],
    });
  }
}
