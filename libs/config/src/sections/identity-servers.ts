import { z } from 'zod';
import { addressRange, milliseconds, path, serverName } from '../values.js';

export const identityServers = z
  .strictObject({
    allowed: z
      .array(serverName)
      .exactOptional()
      .meta({
        description:
          'The identity servers at which users may be found by their e-mail address, if they wish, and that are asked whose an address is; by default any, and with an empty list none.',
        examples: [['vector.im']],
      }),
    allowed_networks: z
      .array(addressRange)
      .default([])
      .meta({
        description: 'Private addresses and networks that identity servers may be at.',
        examples: [['10.0.0.0/8']],
      }),
    trusted_ca_file: path.exactOptional().meta({
      description: 'Certificate authorities to trust besides the well-known ones.',
      examples: ['tls/identity-ca.pem'],
    }),
    request_timeout_ms: milliseconds.default(10_000).describe('How long an identity server may take to answer.'),
  })
  .prefault({})
  .describe('Servers that tell by which e-mail address or telephone number a user is found.');
