import type { Bus } from '@ganglion/bus';
import { ROOM_EVENTS } from '@ganglion/contracts';
import type { Database } from '@ganglion/database';
import type { Logger } from '@ganglion/telemetry';
import { forgetPublished } from '../storage/commit-statement.js';
import type { EventLog } from '../storage/event-log.js';
import type { GroupCommitter } from '../storage/group-committer.js';

const EVERY_MS = 1_000;
/** Younger rows are still being published by the process that committed them. */
const OLD_ENOUGH = `interval '2 seconds'`;
const MAX_ROWS = 200;
const TRANSACTIONS_KEPT = `interval '2 days'`;
const PRUNE_EVERY = 3_600;

const TAKE_LEFT_BEHIND = `
  SELECT o.room_nid, o.first_seq, o.last_seq, r.room_id
  FROM room_server.outbox o JOIN room_server.rooms r USING (room_nid)
  WHERE o.created_at < clock_timestamp() - ${OLD_ENOUGH}
  ORDER BY o.room_nid, o.first_seq LIMIT ${MAX_ROWS}
  FOR UPDATE OF o SKIP LOCKED`;

const FORGET = forgetPublished(1);

/** Publishes what a process that died left in the outbox, and forgets what was published. Any replica may do it. */
export class Sweeper {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #rounds = 0;

  constructor(
    private readonly db: Database,
    private readonly bus: Bus,
    private readonly log: EventLog,
    private readonly committer: GroupCommitter,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.#timer = setInterval(() => {
      this.#running ??= this.sweep()
        .catch((error: unknown) => this.logger.warn({ err: error }, 'the outbox could not be swept'))
        .finally(() => {
          this.#running = undefined;
        });
    }, EVERY_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    await this.#forgetPublished();
  }

  /** One round. */
  async sweep(): Promise<void> {
    await this.#forgetPublished();
    await this.#publishLeftBehind();
    if (this.#rounds++ % PRUNE_EVERY === 0) await this.#prune();
  }

  async #forgetPublished(): Promise<void> {
    const published = this.committer.takePublished();
    if (published.length === 0) return;
    const values = [published.map((run) => run.roomNid), published.map((run) => run.firstSeq)];
    await this.db.query({ name: 'forget-published', text: FORGET, values });
  }

  /** The rows stay locked until they are published and gone; a crash in between publishes them once more. */
  async #publishLeftBehind(): Promise<void> {
    await this.db.transaction(async (tx) => {
      type Row = { room_nid: number; first_seq: number; last_seq: number; room_id: string };
      const { rows } = await tx.query<Row>({ name: 'take-left-behind', text: TAKE_LEFT_BEHIND });
      for (const row of rows) {
        const { events } = await this.log.read(row.room_id, row.first_seq - 1, row.last_seq - row.first_seq + 1);
        await this.bus.publish(ROOM_EVENTS, events, { key: row.room_id, id: `${row.room_nid}.${row.first_seq}` });
      }
      if (rows.length === 0) return;
      const values = [rows.map((row) => row.room_nid), rows.map((row) => row.first_seq)];
      await tx.query({ name: 'forget-published', text: FORGET, values });
    });
  }

  async #prune(): Promise<void> {
    await this.db.query({
      name: 'prune-transactions',
      text: `DELETE FROM room_server.transactions WHERE created_at < now() - ${TRANSACTIONS_KEPT}`,
    });
  }
}
