import { type Bus, MessageTooLargeError } from '@ganglion/bus';
import { ROOM_EVENTS } from '@ganglion/contracts';
import type { Database } from '@ganglion/database';
import type { Logger } from '@ganglion/telemetry';
import { forgetPublished } from '../storage/commit-statement.js';
import type { EventLog } from '../storage/event-log.js';
import type { GroupCommitter } from '../storage/group-committer.js';
import { forgottenSlot } from '../storage/transaction-keys.js';
import { messageId, splitRun } from './split-run.js';

const EVERY_MS = 1_000;
/** Younger rows are still being published by the process that committed them. */
const OLD_ENOUGH = `interval '2 seconds'`;
const MAX_ROWS = 200;
const PRUNE_EVERY = 3_600;

/** In the order of the key of the outbox, from a room on. */
const LEFT_BEHIND = `
  SELECT o.room_nid, o.first_seq, o.last_seq, r.room_id
  FROM room_server.outbox o JOIN room_server.rooms r USING (room_nid)
  WHERE o.created_at < clock_timestamp() - ${OLD_ENOUGH} AND o.room_nid > $1
  ORDER BY o.room_nid, o.first_seq LIMIT ${MAX_ROWS}`;

interface LeftBehind extends Record<string, unknown> {
  readonly room_nid: number;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly room_id: string;
}

/** Publishes what a process that died left in the outbox, and forgets what was published. Any replica may do it. */
export class Sweeper {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #rounds = 0;
  /** The room at which the last round ended with an error: the next one begins behind it, so that it holds up no other. */
  #failedAt = 0;

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
    if (this.#rounds++ % PRUNE_EVERY === 0) await this.#prune();
    await this.#forgetPublished();
    await this.#publishLeftBehind();
  }

  async #forgetPublished(): Promise<void> {
    const published = this.committer.takePublished();
    if (published.length > 0) await this.db.query(forgetPublished({ published }));
  }

  /** Row by row: what cannot be published must not keep back what can. Nothing is locked while the bus is waited for. */
  async #publishLeftBehind(): Promise<void> {
    const after = this.#failedAt;
    this.#failedAt = 0;
    const rows = await this.#leftBehind(after);
    if (after > 0 && rows.length < MAX_ROWS)
      rows.push(...(await this.#leftBehind(0)).filter((row) => row.room_nid <= after));
    for (const row of rows) await this.#publish(row);
  }

  async #leftBehind(afterNid: number): Promise<LeftBehind[]> {
    const { rows } = await this.db.query<LeftBehind>({
      ...{ name: 'left-behind-from', text: LEFT_BEHIND, values: [afterNid] },
    });
    return rows;
  }

  async #publish({ room_nid: roomNid, first_seq: firstSeq, last_seq: lastSeq, room_id: roomId }: LeftBehind) {
    const limit = lastSeq - firstSeq + 1;
    const query =
      firstSeq > 0 ? { afterSeq: firstSeq - 1, backfilled: false } : { afterSeq: lastSeq + 1, backfilled: true };
    try {
      const { events } = await this.log.read({ roomId, limit, ...query });
      for (const part of splitRun(events)) {
        await this.bus.publish(ROOM_EVENTS, part, { key: roomId, id: messageId(roomNid, part) });
      }
      await this.db.query(forgetPublished({ published: [{ roomNid, firstSeq }] }));
    } catch (error) {
      if (!(error instanceof MessageTooLargeError)) {
        this.#failedAt = roomNid;
        throw error;
      }
      // Consumers read the room's log when they miss something; no bus will ever carry this.
      this.logger.error({ err: error, room_id: roomId }, 'an event is too large for the bus: it is left to the log');
      await this.db.query(forgetPublished({ published: [{ roomNid, firstSeq }] }));
    }
  }

  /** Empties the part of the transactions that nobody looks into any more; whoever is in its way now will not be next time. */
  async #prune(): Promise<void> {
    const slot = forgottenSlot();
    if (slot === undefined) return;
    const part = `room_server.transactions_${slot}`;
    const { rows } = await this.db.query<{ any: boolean }>({ text: `SELECT EXISTS (SELECT FROM ${part}) AS any` });
    if (rows[0]?.any) await this.db.query({ text: `TRUNCATE ${part}` });
  }
}
