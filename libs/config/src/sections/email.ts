import { z } from 'zod';
import { caFile, milliseconds, path, port } from '../values.js';

const smtp = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .meta({ description: 'The mail server that takes our e-mails.', examples: ['smtp.example.org'] }),
    port: port.default(587).describe('Its port: 587 for starttls as a rule, 465 for tls.'),
    tls: z
      .enum(['starttls', 'tls', 'none'])
      .default('starttls')
      .describe(
        'starttls: the connection begins in the clear and is encrypted before anything is said. tls: encrypted from the beginning. none: never, for a mail server on this machine.',
      ),
    ca_file: caFile.exactOptional(),
    username: z
      .string()
      .min(1)
      .exactOptional()
      .meta({ description: 'To log in there; without it, we do not.', examples: ['ganglion'] }),
    password: z
      .string()
      .exactOptional()
      .meta({ description: 'Its password.', examples: ['change-me'] }),
    password_file: path.exactOptional().meta({
      description: 'File that holds the password instead.',
      examples: ['/run/secrets/smtp_password'],
    }),
    timeout_ms: milliseconds.default(30_000).describe('How long it may take to answer.'),
  })
  .meta({ description: 'Where e-mails are sent through.' });

export const email = z
  .strictObject({
    smtp,
    from: z
      .string()
      .regex(/^[^\r\n]*@[^\r\n]+$/, 'an e-mail address, such as Example <noreply@example.org>')
      .meta({ description: 'Whom they are from.', examples: ['Example <noreply@example.org>'] }),
    templates_dir: path.exactOptional().meta({
      description:
        'Folder with texts of your own: confirm-registration, reset-password, confirm-address, address-in-use and renew-account, each as .txt, which begins with a line "Subject: …", and as .html. Those that are missing are as they come with Ganglion. {{server}}, {{address}} and {{link}} stand for what they say; {{user}} in renew-account, too.',
      examples: ['templates'],
    }),
    link_lifetime_ms: milliseconds.default(3_600_000).describe('How long a link in an e-mail can be followed.'),
    next_link_hosts: z
      .array(z.string().min(1))
      .default([])
      .meta({
        description:
          'Hosts of web clients to which people are sent on when they have followed a link. Where a client asks for another host, they are told that they can go back to it.',
        examples: [['app.example.org']],
      }),
    reveal_accounts: z
      .boolean()
      .default(false)
      .describe(
        'Whether who asks for an e-mail is told at once that an address has an account, or has none. Anybody can find out then who has one here.',
      ),
  })
  .exactOptional()
  .meta({
    description:
      'E-mail: to get an account, to get back into it, and to log in by. Without this section there is none. Links lead to client_base_url or http.public_base_url, one of which is needed.',
  });
