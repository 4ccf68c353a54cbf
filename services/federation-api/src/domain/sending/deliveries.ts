import type { RoomLog } from '@ganglion/contracts/room';
import {
  type Contents,
  type Leased,
  type MissedRoom,
  type Route,
  SendingFailure,
  type SendingStore,
  type TransactionSender,
} from './ports.js';

export interface DeliveriesDependencies {
  readonly store: SendingStore;
  readonly sender: TransactionSender;
  readonly roomLog: Pick<RoomLog, 'getRoomEvents'>;
  readonly logger: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

/** As many destinations are sent to at once by one replica. */
const AT_ONCE = 48;
const ROOMS_AT_ONCE = 50;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 24 * 3_600_000;
/** Within about a minute: who is away for longer gets only what matters. */
const FAILURES_TO_FALL_BEHIND = 6;

/** Sends what is queued: for each destination one transaction after the other, in the order of its queue. */
export class Deliveries {
  readonly #running = new Set<Promise<void>>();
  #stopping = false;

  constructor(private readonly deps: DeliveriesDependencies) {}

  /** Begins with whatever is due and is nobody else's. Resolves as soon as that has begun. */
  async begin(): Promise<void> {
    while (!this.#stopping && this.#running.size < AT_ONCE) {
      const leased = await this.deps.store.lease(AT_ONCE - this.#running.size);
      for (const route of leased) {
        const running = this.#deliver(route)
          .catch((err: unknown) => this.deps.logger.warn({ err, server: route.server }, 'sending to a server failed'))
          .finally(() => this.#running.delete(running));
        this.#running.add(running);
      }
      if (leased.length === 0) return;
    }
  }

  /** Waits for what is on its way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async #deliver(route: Leased): Promise<void> {
    const progress = { failures: route.failures };
    try {
      if (route.isBehind) {
        // What encrypts what was missed comes before it.
        await this.#sendQueue(route, progress, true);
        await this.#catchUp(route);
      }
      await this.#sendQueue(route, progress, false);
      if (this.#stopping) await this.deps.store.failed(route, 0, false);
    } catch (error) {
      if (!(error instanceof SendingFailure)) throw error;
      await this.#putOff(route, progress.failures, error);
    }
  }

  async #sendQueue(route: Route, progress: { failures: number }, keeps: boolean): Promise<void> {
    while (!this.#stopping) {
      const batch = await this.deps.store.next(route, keeps);
      if (batch === undefined) return;
      await this.#send(route, batch.txnId, batch);
      progress.failures = 0;
      await this.deps.store.sent(route, batch);
    }
  }

  /** What a server will never take must not keep back what comes after it. */
  async #send(route: Route, txnId: string, contents: Contents): Promise<void> {
    try {
      await this.deps.sender.send(route, txnId, contents);
    } catch (error) {
      if (!(error instanceof SendingFailure) || !error.isFinal) throw error;
      this.deps.logger.warn({ server: route.server, reason: error.message }, 'a server refuses a transaction of ours');
    }
  }

  /** Of each room the last event that was for the server: it fetches by itself what comes before. */
  async #catchUp(route: Route): Promise<void> {
    for (;;) {
      const rooms = await this.deps.store.missed(route, ROOMS_AT_ONCE);
      if (rooms.length === 0 || this.#stopping) return;
      const pdus = (await Promise.all(rooms.map((room) => this.#eventOf(room)))).flat();
      const txnId = `behind-${rooms[0]!.roomSeq}-${Date.now()}-${Math.random().toString(36).slice(2)}`;
      if (pdus.length > 0) await this.#send(route, txnId, { pdus, edus: [] });
      await this.deps.store.caughtUp(route, rooms);
    }
  }

  async #eventOf({ roomId, roomSeq }: MissedRoom): Promise<string[]> {
    const page = { roomId, afterSeq: roomSeq - 1, limit: 1, backfilled: false };
    const { events } = await this.deps.roomLog.getRoomEvents(page);
    return (events?.events ?? []).filter((event) => event.roomSeq === roomSeq).map(({ pduJson }) => pduJson);
  }

  async #putOff(route: Route, failures: number, error: SendingFailure): Promise<void> {
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS) * (0.8 + Math.random() * 0.4);
    const fields = { server: route.server, failures: failures + 1, wait_ms: Math.round(waitMs), reason: error.message };
    this.deps.logger.info(fields, 'a server cannot be sent to');
    await this.deps.store.failed(route, waitMs, failures + 1 >= FAILURES_TO_FALL_BEHIND);
  }
}
