import { createHash } from 'node:crypto';
import type { RoomLog } from '@ganglion/contracts/room';
import {
  type Contents,
  type Leased,
  type MissedRoom,
  type Route,
  SendingFailure,
  type SendingStore,
  type TransactionSender,
} from '../ports/sending.js';
import { Budget } from './budget.js';

/** It has arrived, will never be taken, or is to be tried again. */
export type Outcome = 'arrived' | 'refused' | 'failed';

export interface DeliveryDependencies {
  readonly store: SendingStore;
  readonly sender: TransactionSender;
  readonly roomLog: Pick<RoomLog, 'getRoomEvents'>;
  readonly logger: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Told what becomes of each transaction. */
  readonly ended: (outcome: Outcome) => void;
  /** Aborted when what is on its way is given up. */
  readonly signal: AbortSignal;
}

const ROOMS_AT_ONCE = 50;
/** Whoever has more waits for its turn again. */
const MOST_IN_A_ROW = 50;

/** Sends what is queued for a destination: one transaction after the other, in the order of its queue. */
export class Delivery {
  readonly #budget: Budget;
  #isEnding = false;

  /** @param mostCharacters of transactions that are on their way at once: each is in memory several times */
  constructor(
    private readonly deps: DeliveryDependencies,
    mostCharacters: number,
  ) {
    this.#budget = new Budget(mostCharacters);
  }

  /** Nothing new is begun. */
  end(): void {
    this.#isEnding = true;
  }

  /** Until there is nothing more, or the destination does not take it. */
  async run(route: Leased): Promise<void> {
    const { store, logger } = this.deps;
    try {
      if (route.isBehind) {
        // What encrypts what was missed comes before it.
        await this.#sendQueue(route, true);
        await this.#catchUp(route);
      }
      if (!(await this.#sendQueue(route, false))) await store.giveBack(route);
    } catch (error) {
      if (this.deps.signal.aborted) return store.giveBack(route);
      if (!(error instanceof SendingFailure)) {
        // Whatever it is, it must not be tried again without a pause.
        await store.failed(route).catch(() => {});
        throw error;
      }
      const put = await store.failed(route);
      logger.info({ server: route.server, ...put, reason: error.message }, 'a server cannot be sent to');
    }
  }

  /** @returns whether there is nothing more; the route is given back then, unless it is to be kept */
  async #sendQueue(route: Leased, keeps: boolean): Promise<boolean> {
    const { store } = this.deps;
    const finishes = !keeps && !route.isFailing;
    for (let left = MOST_IN_A_ROW; left > 0 && !this.#isEnding; left--) {
      const batch = await store.next(route, keeps);
      if (batch === undefined) return true;
      if (keeps || route.isFailing) await this.#sendInParts(route, batch.txnId, batch);
      else await this.#send(route, batch.txnId, batch);
      if (await store.sent(route, batch, finishes)) return true;
    }
    return false;
  }

  /** @throws SendingFailure unless it has arrived, or is for nobody any more */
  async #send(route: Route, txnId: string, contents: Contents): Promise<void> {
    const { sender, signal, ended, logger } = this.deps;
    try {
      await this.#budget.spend(sizeOf(contents), () => sender.send(route, txnId, contents, signal));
      ended('arrived');
    } catch (error) {
      const kind = error instanceof SendingFailure ? error.kind : 'unreached';
      ended(kind === 'unreached' ? 'failed' : 'refused');
      if (kind !== 'unwanted') throw error;
      logger.warn({ server: route.server, reason: (error as Error).message }, 'a server is sent nothing any more');
    }
  }

  /**
   * What a server refuses time and again must not keep back what comes after it, nor go under with it: of what is refused
   * together, each part is sent alone, and only what is refused alone is given up.
   *
   * @returns whether anything has arrived
   */
  async #sendInParts(route: Route, txnId: string, contents: Contents): Promise<boolean> {
    try {
      await this.#send(route, txnId, contents);
      return true;
    } catch (error) {
      if (!(error instanceof SendingFailure) || error.kind !== 'refused') throw error;
      const parts = partsOf(contents);
      if (parts.length < 2) {
        this.deps.logger.warn({ server: route.server, reason: error.message }, 'a server refuses what we have for it');
        return false;
      }
      let hasArrived = false;
      for (const [index, part] of parts.entries()) {
        if (await this.#sendInParts(route, `${txnId}-${index}`, part)) hasArrived = true;
      }
      return hasArrived;
    }
  }

  /** Of each room the last event that was for the server: it fetches by itself what comes before. */
  async #catchUp(route: Route): Promise<void> {
    while (!this.#isEnding) {
      const rooms = await this.deps.store.missed(route, ROOMS_AT_ONCE);
      if (rooms.length === 0) return;
      const pdus = (await Promise.all(rooms.map((room) => this.#eventOf(room)))).flat();
      const isReached = pdus.length > 0 && (await this.#sendInParts(route, idOf(pdus), { pdus, edus: [] }));
      await this.deps.store.caughtUp(route, rooms, isReached);
    }
  }

  async #eventOf({ roomId, roomSeq }: MissedRoom): Promise<string[]> {
    const page = { roomId, afterSeq: roomSeq - 1, limit: 1, backfilled: false };
    const { events } = await this.deps.roomLog.getRoomEvents(page);
    return (events?.events ?? []).filter((event) => event.roomSeq === roomSeq).map(({ pduJson }) => pduJson);
  }
}

function sizeOf({ pdus, edus }: Contents): number {
  return [...pdus, ...edus].reduce((sum, text) => sum + text.length, 0);
}

/** Each alone; their order stays the same when they are sent again. */
function partsOf({ pdus, edus }: Contents): Contents[] {
  return [...pdus.map((pdu) => ({ pdus: [pdu], edus: [] })), ...edus.map((edu) => ({ pdus: [], edus: [edu] }))];
}

/** The same for the same events, whoever sends them. */
function idOf(pdus: readonly string[]): string {
  return `behind-${createHash('sha256').update(pdus.join('\n')).digest('base64url')}`;
}
