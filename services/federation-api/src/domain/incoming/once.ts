import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { MatrixError } from '@ganglion/contracts';
import type { TransactionKey, TransactionStore } from '../ports/incoming.js';

const KEEP_EVERY_MS = 5_000;
const LOOK_EVERY_MS = 200;
/** The other server asks again anyway. */
const LONGEST_WAIT_MS = 60_000;

/** Does each transaction once, whichever replicas it comes to, and however often. */
export class Once {
  constructor(private readonly store: TransactionStore) {}

  /**
   * The answer that `work` gives, or has given to whoever was first. When it fails, the next one may try.
   *
   * @throws MatrixError M_UNKNOWN with 503 when another replica has been working on it for too long
   */
  async answer(key: TransactionKey, work: () => Promise<string>): Promise<string> {
    const holder = randomUUID();
    const end = Date.now() + LONGEST_WAIT_MS;
    for (;;) {
      if (await this.store.take(key, holder)) return this.#work(key, holder, work);
      const answer = await this.store.answer(key);
      if (answer !== undefined) return answer;
      if (Date.now() > end) throw new MatrixError(503, 'M_UNKNOWN', 'This transaction is still being worked on');
      await pause(LOOK_EVERY_MS);
    }
  }

  async #work(key: TransactionKey, holder: string, work: () => Promise<string>): Promise<string> {
    const keeping = setInterval(() => void this.store.keep(key, holder).catch(() => {}), KEEP_EVERY_MS).unref();
    try {
      const answer = await work();
      await this.store.finish(key, holder, answer);
      return answer;
    } catch (error) {
      await this.store.giveUp(key, holder).catch(() => {});
      throw error;
    } finally {
      clearInterval(keeping);
    }
  }
}
