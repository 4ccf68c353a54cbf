import { readFileSync } from 'node:fs';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { CertificateFiles } from './certificates.js';
import { eventually } from './eventually.js';

const MAIL_TIMEOUT_MS = 30_000;

/** An e-mail as it has arrived. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** With its headers, in plain characters. */
  readonly text: string;
  /** Whether the connection was encrypted. */
  readonly secure: boolean;
  /** Who had logged in. */
  readonly user: string | undefined;
}

export interface MailServerOptions {
  readonly certificate?: CertificateFiles;
  /** Encrypted from the beginning. */
  readonly secure?: boolean;
  readonly login?: { readonly username: string; readonly password: string };
  /** 0 for any. */
  readonly port?: number;
}

/** A real mail server that keeps what it gets. */
export class MailServer {
  readonly mails: ReceivedMail[] = [];
  /** What a recipient is refused with. */
  refusal: { readonly code: number; readonly message: string } | undefined;
  #server!: SMTPServer;
  port = 0;

  static async start(options: MailServerOptions = {}): Promise<MailServer> {
    const mailServer = new MailServer();
    mailServer.#server = new SMTPServer(mailServer.#settings(options));
    mailServer.#server.on('error', () => {});
    await new Promise<void>((resolve) => {
      const listening = mailServer.#server.listen(options.port ?? 0, '127.0.0.1', () => resolve());
      listening.once('listening', () => {
        mailServer.port = (listening.address() as { port: number }).port;
      });
    });
    return mailServer;
  }

  /** The next mail to somebody, after so many others. */
  mailTo(address: string, after = 0): Promise<ReceivedMail> {
    return eventually(() => {
      const mail = this.mails.filter(({ to }) => to.includes(address))[after];
      if (mail === undefined) throw new Error(`no mail to ${address} has come`);
      return mail;
    }, MAIL_TIMEOUT_MS);
  }

  /** The link in the next mail to somebody, after so many others. */
  async linkTo(address: string, after = 0): Promise<URL> {
    const { text } = await this.mailTo(address, after);
    const link = /^https?:\/\/\S+$/m.exec(text)?.[0];
    if (link === undefined) throw new Error(`no link in ${text}`);
    return new URL(link);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #settings({ certificate, secure, login }: MailServerOptions): SMTPServerOptions {
    return {
      secure: secure ?? false,
      authOptional: login === undefined,
      disabledCommands: certificate === undefined ? ['STARTTLS'] : [],
      ...(certificate && { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }),
      allowInsecureAuth: true,
      closeTimeout: 100,
      onAuth: ({ username, password }, _session, done) => {
        if (username === login?.username && password === login?.password) done(null, { user: username });
        else done(new Error('wrong name or password'));
      },
      onRcptTo: (_address, _session, done) => {
        const { refusal } = this;
        if (refusal === undefined) done();
        else done(Object.assign(new Error(refusal.message), { responseCode: refusal.code }));
      },
      onData: (stream, { envelope, secure: encrypted, user }, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          this.mails.push({
            from: envelope.mailFrom ? envelope.mailFrom.address : '',
            to: envelope.rcptTo.map(({ address }) => address),
            text: plain(Buffer.concat(chunks).toString()),
            secure: encrypted,
            user: user as string | undefined,
          });
          done();
        });
      },
    };
  }
}

/** Without the quotes that carry other characters, and the line breaks that go with them. */
function plain(text: string): string {
  const quoted = text.replaceAll('\r\n', '\n').replaceAll('=\n', '');
  return quoted.replaceAll(/(?:=[0-9A-F]{2})+/g, (bytes) => Buffer.from(bytes.replaceAll('=', ''), 'hex').toString());
}
