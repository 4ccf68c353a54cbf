import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { Config } from '@ganglion/config';
import { createTransport } from 'nodemailer';

type EmailConfig = NonNullable<Config['email']>;

/** Connections to the mail server at most, of each process. */
const CONNECTIONS = 2;

/** In a module of its own, as most servers send no letters and need not load what sends them. */
export function transportOf(smtp: EmailConfig['smtp']) {
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
