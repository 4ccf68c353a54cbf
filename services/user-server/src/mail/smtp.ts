import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { Config } from '@ganglion/config';
import { createTransport, type NodemailerError } from 'nodemailer';
import type { Letter } from '../domain/ports.js';

type EmailConfig = NonNullable<Config['email']>;

/** Connections to the mail server at most, of each process. */
const CONNECTIONS = 2;

/** A mail server will never take a letter: there is no such mailbox, perhaps. */
export class LetterRefusedError extends Error {
  override readonly name = 'LetterRefusedError';
}

/** Takes letters to the mail server. */
export class Smtp {
  readonly #transport: ReturnType<typeof transportOf>;

  constructor(private readonly config: EmailConfig) {
    this.#transport = transportOf(config.smtp);
  }

  /** @throws LetterRefusedError when trying again is of no use, others when it may be */
  async send({ recipient, subject, text, html }: Letter): Promise<void> {
    try {
      // As an object, or an address with a comma in it would be two.
      const to = { name: '', address: recipient };
      const headers = { 'Auto-Submitted': 'auto-generated' };
      await this.#transport.sendMail({ from: this.config.from, to, subject, text, html, headers });
    } catch (error) {
      const { code, permanent, message } = error as NodemailerError;
      // What concerns us and not the letter, such as a wrong password, may be put right while it waits.
      const isRefused = permanent === true && (code === 'EENVELOPE' || code === 'EMESSAGE');
      throw isRefused ? new LetterRefusedError(message, { cause: error }) : error;
    }
  }

  /** Ends every connection. */
  close(): void {
    this.#transport.close();
  }
}

function transportOf(smtp: EmailConfig['smtp']) {
  const { host, port, tls, ca_file, username, password, timeout_ms } = smtp;
  return createTransport({
    ...{ host, port, pool: true, maxConnections: CONNECTIONS },
    ...{ secure: tls === 'tls', requireTLS: tls === 'starttls', ignoreTLS: tls === 'none' },
    ...(ca_file !== undefined && { tls: { ca: [...rootCertificates, readFileSync(ca_file, 'utf8')] } }),
    ...(username !== undefined && { auth: { user: username, pass: password ?? '' } }),
    ...{ connectionTimeout: timeout_ms, greetingTimeout: timeout_ms, socketTimeout: timeout_ms },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
}
