import type { TransactionKey } from '../ports/incoming.js';
import type { Edus } from './edus.js';
import type { Once } from './once.js';
import type { RoomPdus } from './room-pdus.js';
import type { Turns } from './turns.js';

/** What another server sends unasked. */
export interface Transaction extends TransactionKey {
  /** As `parseJson` read them: anything at all. */
  readonly pdus: readonly unknown[];
  readonly edus: readonly unknown[];
}

export interface TransactionsDependencies {
  readonly turns: Turns;
  readonly once: Once;
  readonly pdus: RoomPdus;
  readonly edus: Edus;
}

/** The transactions of other servers. @see https://spec.matrix.org/v1.19/server-server-api/#transactions */
export class Transactions {
  constructor(private readonly deps: TransactionsDependencies) {}

  /**
   * Takes one in, each of its parts for itself, and answers when all of it is kept.
   *
   * @returns the answer as JSON text
   * @throws MatrixError M_LIMIT_EXCEEDED when the server has too many waiting; M_UNKNOWN with 503 when something cannot be kept now
   * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1sendtxnid
   */
  receive(transaction: Transaction): Promise<string> {
    const { turns, once } = this.deps;
    return turns.take(transaction.origin, () => once.answer(transaction, () => this.#take(transaction)));
  }

  async #take({ origin, destination, pdus, edus }: Transaction): Promise<string> {
    const giver = { origin, destination };
    const { answers, filled } = await this.deps.pdus.take(giver, pdus);
    // Receipts may be for events that came along.
    await Promise.all([this.deps.edus.take(giver, edus), filled]);
    return JSON.stringify({ pdus: answers });
  }
}
