import type { Counter, Logger, Metrics } from '@ganglion/telemetry';
import type { LetterStore } from '../storage/letter-store.js';
import { LetterRefusedError, type Smtp } from './smtp.js';

/** How long a letter is one process' own: longer than a mail server may take for it. */
const CLAIM_FOR = 4;
const FIRST_DELAY_MS = 2_000;
const LONGEST_DELAY_MS = 300_000;

/**
 * Sends the letters that are kept in the database, whoever put them there: so nobody waits for a mail server, and what a process
 * leaves behind that dies is sent by another. A letter may arrive twice when a process dies with it.
 */
export class PostOffice {
  readonly #letters: Counter;
  #running: Promise<void> | undefined;
  #closing = false;

  constructor(
    private readonly store: Pick<LetterStore, 'claim' | 'postpone' | 'remove'>,
    private readonly smtp: Pick<Smtp, 'send' | 'close'>,
    private readonly timeoutMs: number,
    private readonly logger: Logger,
    metrics: Metrics,
  ) {
    this.#letters = metrics.counter({
      name: 'ganglion_emails_total',
      help: 'E-mails by what became of them: sent, refused for good by the mail server, or to be tried again.',
      labels: { result: ['sent', 'refused', 'postponed'] },
    });
  }

  /** Sends what is due, now. */
  async sweep(): Promise<void> {
    this.#running ??= this.#sendAll().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /** Resolves when no letter is on its way any more; those that wait are left to others. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#running?.catch(() => {});
    await this.smtp.close();
  }

  async #sendAll(): Promise<void> {
    while (!this.#closing) {
      const letter = await this.store.claim(this.timeoutMs * CLAIM_FOR);
      if (letter === undefined) return;
      try {
        await this.smtp.send(letter);
        this.#letters.inc({ result: 'sent' });
      } catch (error) {
        if (!(error instanceof LetterRefusedError)) {
          this.#letters.inc({ result: 'postponed' });
          this.logger.warn({ err: error }, 'an e-mail will be tried again');
          const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (letter.attempts - 1));
          await this.store.postpone(letter.letterId, delayMs);
          continue;
        }
        this.#letters.inc({ result: 'refused' });
        this.logger.warn({ err: error }, 'an e-mail cannot be sent');
      }
      await this.store.remove(letter.letterId);
    }
  }
}
