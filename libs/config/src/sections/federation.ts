import { z } from 'zod';
import { listener } from '../values.js';

export const federation = z
  .strictObject({
    listeners: z
      .array(listener(8448))
      .default([])
      .meta({
        description:
          'Where other servers are answered, and nobody else: what clients ask for is not there. Opened by federation-api. With http.listeners alone, a reverse proxy sends the paths of federation there.',
        examples: [[{ host: '::', port: 8448, tls: { cert_file: 'tls/ganglion.pem', key_file: 'tls/ganglion.key' } }]],
      }),
  })
  .prefault({})
  .describe('What passes between this server and others.');
