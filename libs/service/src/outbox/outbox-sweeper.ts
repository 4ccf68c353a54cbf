import {
  type Bus,
  BusClosedError,
  BusUnavailableError,
  type OutgoingMessage,
  type StreamDefinition,
} from '@ganglion/bus';
import { isConnectionError } from '@ganglion/database';
import type { Logger } from '@ganglion/telemetry';
import { publishFitting } from './publish-fitting.js';

/** What a service has still to tell: each entry is written in the transaction of the change that it tells of. */
export interface OutboxStore<Entry> {
  /** Entries that have waited longer than this, those of one key in the order of their changes, behind another entry. */
  leftBehind(olderThanMs: number, limit: number, behind: Entry | undefined): Promise<readonly Entry[]>;
  /** Forgets what was told. */
  remove(entries: readonly Entry[]): Promise<void>;
}

/** An outbox, and what becomes of its entries. */
export interface Outbox<Entry, Message> {
  readonly stream: StreamDefinition<Message>;
  readonly store: OutboxStore<Entry>;
  /** Whose change it is, such as the user id. */
  keyOf(entry: Entry): string;
  messagesOf(entry: Entry): readonly OutgoingMessage<Message>[] | Promise<readonly OutgoingMessage<Message>[]>;
  /** Called when entries are on the bus, before they are forgotten. */
  onPublished?(count: number, by: 'writer' | 'sweeper'): void;
}

export interface SweepOptions {
  /** Younger entries are still being published by the process that wrote them. */
  readonly abandonedAfterMs?: number;
  /** How many entries are read at once. */
  readonly page?: number;
}

const ABANDONED_AFTER_MS = 2_000;
const PAGE = 200;

/**
 * Publishes what a process that died, or whose bus was away, has left in an outbox. Any replica may do it, and several at once:
 * nothing is locked while the bus is waited for, so that no transaction holds back the log's cursor, or vacuum; who finds the same
 * publishes it a second time, in the same order, and consumers know it by its number.
 */
export class OutboxSweeper<Entry, Message> {
  readonly #abandonedAfterMs: number;
  readonly #page: number;

  constructor(
    private readonly outbox: Outbox<Entry, Message>,
    private readonly bus: Bus,
    private readonly logger: Logger,
    { abandonedAfterMs = ABANDONED_AFTER_MS, page = PAGE }: SweepOptions = {},
  ) {
    this.#abandonedAfterMs = abandonedAfterMs;
    this.#page = page;
  }

  /** One round. @throws Error when something could not be told: it stays for the next round */
  async sweep(): Promise<void> {
    const stuck = new Map<string, unknown>();
    let page: readonly Entry[];
    let last: Entry | undefined;
    do {
      page = await this.outbox.store.leftBehind(this.#abandonedAfterMs, this.#page, last);
      last = page.at(-1);
      await this.#publish(page, stuck);
    } while (page.length === this.#page);
    const [first] = stuck;
    if (first)
      throw new Error(`${stuck.size} keys of ${this.outbox.stream.name} wait, as ${first[0]}`, { cause: first[1] });
  }

  /** Entry by entry: what cannot be told keeps back what comes after it with the same key, and nothing else. */
  async #publish(entries: readonly Entry[], stuck: Map<string, unknown>): Promise<void> {
    const told: Entry[] = [];
    try {
      for (const entry of entries) {
        const key = this.outbox.keyOf(entry);
        if (stuck.has(key)) continue;
        try {
          const messages = await this.outbox.messagesOf(entry);
          await publishFitting(this.bus, this.outbox.stream, messages, this.logger);
          told.push(entry);
        } catch (error) {
          if (isOfAll(error)) throw error;
          stuck.set(key, error);
        }
      }
    } finally {
      if (told.length > 0) {
        this.outbox.onPublished?.(told.length, 'sweeper');
        await this.outbox.store.remove(told);
      }
    }
  }
}

/** Whether whatever is tried next would fail for the same reason. */
function isOfAll(error: unknown): boolean {
  return error instanceof BusUnavailableError || error instanceof BusClosedError || isConnectionError(error);
}
