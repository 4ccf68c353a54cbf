import { z } from 'zod';
import { caFile, certFile, contradiction, keyFile, natsUrl, path } from '../values.js';

export const bus = z
  .strictObject({
    kind: z
      .enum(['embedded', 'jetstream'])
      .default('embedded')
      .describe('embedded: within one process. jetstream: NATS, needed as soon as there are two processes.'),
    servers: z.array(natsUrl).min(1).default(['nats://127.0.0.1:4222']).describe('The NATS servers.'),
    replicas: z.int().min(1).max(5).default(1).describe('Copies of each stream: 3 or 5 on a NATS cluster.'),
    credentials_file: path.exactOptional().meta({
      description: 'NATS credentials (.creds).',
      examples: ['/run/secrets/nats.creds'],
    }),
    tls: z
      .strictObject({
        ca_file: caFile.exactOptional(),
        cert_file: certFile.exactOptional(),
        key_file: keyFile.exactOptional(),
      })
      .exactOptional()
      .meta({ description: 'TLS towards NATS, with a certificate of our own if it asks for one.' }),
  })
  .superRefine(({ tls }, { addIssue }) => {
    if ((tls?.cert_file === undefined) !== (tls?.key_file === undefined)) {
      addIssue(contradiction('give both cert_file and key_file, or neither', 'tls'));
    }
  })
  .prefault({})
  .describe('What carries events between services. PostgreSQL stays the truth: the bus may lose everything.');
