import { z } from 'zod';
import { addressRange, listener, milliseconds, path, serverName } from '../values.js';

const domainGlob = z
  .string()
  .regex(/^[A-Za-z0-9.:[\]*?-]{1,255}$/, 'a domain in which * stands for anything and ? for one character');

export const federation = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether this server talks to others at all.'),
    listeners: z
      .array(listener(8448))
      .default([])
      .meta({
        description:
          'Where other servers are answered, and nobody else: what clients ask for is not there. Opened by federation-api. With http.listeners alone, a reverse proxy sends the paths of federation there.',
        examples: [[{ host: '::', port: 8448, tls: { cert_file: 'tls/ganglion.pem', key_file: 'tls/ganglion.key' } }]],
      }),
    allowed_domains: z
      .array(domainGlob)
      .min(1)
      .exactOptional()
      .meta({
        description: 'The only servers to talk to, without their ports; by default all of them.',
        examples: [['example.com', '*.example.net']],
      }),
    denied_domains: z
      .array(domainGlob)
      .default([])
      .meta({
        description: 'Servers to have nothing to do with, even if they are allowed above.',
        examples: [['*.spam.example']],
      }),
    allowed_networks: z
      .array(addressRange)
      .default([])
      .meta({
        description:
          'Private addresses and networks that other servers may be at. Whatever name is looked up, no other private address is connected to.',
        examples: [['10.0.0.0/8']],
      }),
    trusted_ca_file: path.exactOptional().meta({
      description: 'Certificate authorities to trust besides the well-known ones, for networks of their own.',
      examples: ['tls/federation-ca.pem'],
    }),
    trusted_key_servers: z
      .array(serverName)
      .default([])
      .meta({
        description:
          'Servers that are asked for the keys of servers that do not answer. They are believed, so name only those that you trust.',
        examples: [['matrix.org']],
      }),
    request_timeout_ms: milliseconds.default(60_000).describe('How long another server may take to answer.'),
  })
  .prefault({})
  .describe('What passes between this server and others.');
