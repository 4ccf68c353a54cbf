import type { Database } from '@ganglion/database';
import type {
  Subscribed,
  SubscriptionKey,
  SubscriptionPage,
  ThreadSubscription,
  ThreadSubscriptionModel,
} from '../domain/ports/thread-subscription-model.js';

/** Which threads users follow. */
export const THREAD_SUBSCRIPTIONS = `
  CREATE SEQUENCE sync.thread_subscription_seqs;
  -- automatic: null of one that was ended, when the read model had come as far as ended_at. seq: of the last change.
  CREATE TABLE sync.thread_subscriptions (
    user_id text COLLATE "C" NOT NULL,
    room_id text COLLATE "C" NOT NULL,
    root_id text COLLATE "C" NOT NULL,
    automatic boolean,
    ended_at bigint,
    seq bigint NOT NULL DEFAULT nextval('sync.thread_subscription_seqs'),
    CONSTRAINT thread_subscriptions_by_thread PRIMARY KEY (user_id, room_id, root_id)
  );
  CREATE INDEX thread_subscriptions_by_seq ON sync.thread_subscriptions (user_id, seq);
`;

type Row = ThreadSubscription & Record<string, unknown>;

/** Which threads users follow, in PostgreSQL. */
export class ThreadSubscriptionStore implements ThreadSubscriptionModel {
  constructor(private readonly db: Database) {}

  async find({ userId, roomId, rootId }: SubscriptionKey): Promise<boolean | undefined> {
    const { rows } = await this.db.query<{ automatic: boolean | null }>({
      name: 'find-thread-subscription',
      text: `SELECT automatic FROM sync.thread_subscriptions WHERE user_id = $1 AND room_id = $2 AND root_id = $3`,
      values: [userId, roomId, rootId],
    });
    return rows[0]?.automatic ?? undefined;
  }

  async subscribe(key: SubscriptionKey, causePosition: number | undefined): Promise<Subscribed> {
    const automatic = causePosition !== undefined;
    const { rowCount } = await this.db.query({
      name: 'subscribe-to-thread',
      text: `INSERT INTO sync.thread_subscriptions AS known (user_id, room_id, root_id, automatic) VALUES ($1, $2, $3, $4)
        ON CONFLICT (user_id, room_id, root_id) DO UPDATE
          SET automatic = excluded.automatic, ended_at = NULL, seq = nextval('sync.thread_subscription_seqs')
        WHERE CASE WHEN excluded.automatic THEN known.automatic IS NULL AND known.ended_at < $5
          ELSE known.automatic IS DISTINCT FROM false END`,
      values: [key.userId, key.roomId, key.rootId, automatic, causePosition ?? null],
    });
    if ((rowCount ?? 0) > 0) return 'subscribed';
    return (await this.find(key)) === undefined ? 'ended-since' : 'known';
  }

  async unsubscribe({ userId, roomId, rootId }: SubscriptionKey, position: number): Promise<void> {
    await this.db.query({
      name: 'unsubscribe-from-thread',
      text: `UPDATE sync.thread_subscriptions
        SET automatic = NULL, ended_at = $4, seq = nextval('sync.thread_subscription_seqs')
        WHERE user_id = $1 AND room_id = $2 AND root_id = $3 AND automatic IS NOT NULL`,
      values: [userId, roomId, rootId, position],
    });
  }

  async followed(userId: string, roomId: string, rootIds: readonly string[]): Promise<ReadonlySet<string>> {
    const { rows } = await this.db.query<{ root_id: string }>({
      name: 'followed-threads',
      text: `SELECT root_id FROM sync.thread_subscriptions
        WHERE user_id = $1 AND room_id = $2 AND root_id = ANY($3) AND automatic IS NOT NULL`,
      values: [userId, roomId, rootIds],
    });
    return new Set(rows.map(({ root_id }) => root_id));
  }

  async list({ userId, above, upTo, limit }: SubscriptionPage): Promise<ThreadSubscription[]> {
    const { rows } = await this.db.query<Row>({
      name: 'thread-subscriptions',
      text: `SELECT room_id AS "roomId", root_id AS "rootId", automatic, seq FROM sync.thread_subscriptions
        WHERE user_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq DESC LIMIT $4`,
      values: [userId, above, upTo, limit],
    });
    return rows.map((row) => ({ ...row, automatic: row.automatic ?? undefined }));
  }
}
