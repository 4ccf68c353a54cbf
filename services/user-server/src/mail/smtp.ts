import type { Config } from '@ganglion/config';
import type { NodemailerError } from 'nodemailer';
import type { Letter } from '../domain/ports.js';

type EmailConfig = NonNullable<Config['email']>;

/** A mail server will never take a letter: there is no such mailbox, perhaps. */
export class LetterRefusedError extends Error {
  override readonly name = 'LetterRefusedError';
}

/** Takes letters to the mail server. */
export class Smtp {
  #transport: ReturnType<typeof load> | undefined;

  constructor(private readonly config: EmailConfig) {}

  /** @throws LetterRefusedError when trying again is of no use, others when it may be */
  async send({ recipient, subject, text, html }: Letter): Promise<void> {
    try {
      // As an object, or an address with a comma in it would be two.
      const to = { name: '', address: recipient };
      const headers = { 'Auto-Submitted': 'auto-generated' };
      this.#transport ??= load(this.config.smtp);
      await (await this.#transport).sendMail({ from: this.config.from, to, subject, text, html, headers });
    } catch (error) {
      const { code, permanent, message } = error as NodemailerError;
      // What concerns us and not the letter, such as a wrong password, may be put right while it waits.
      const isRefused = permanent === true && (code === 'EENVELOPE' || code === 'EMESSAGE');
      throw isRefused ? new LetterRefusedError(message, { cause: error }) : error;
    }
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    (await this.#transport)?.close();
  }
}

async function load(smtp: EmailConfig['smtp']) {
  const { transportOf } = await import('./smtp-transport.js');
  return transportOf(smtp);
}
