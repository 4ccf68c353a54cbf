import { z } from 'zod';
import { path } from '../values.js';

export const registration = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Whether anybody may make an account.'),
    allow_guests: z
      .boolean()
      .default(false)
      .describe('Whether anybody may look around as a guest, without an account.'),
    shared_secret: z
      .string()
      .min(8)
      .exactOptional()
      .meta({
        description: 'Whoever knows it can make accounts: `ganglion create-user` and /_synapse/admin/v1/register.',
        examples: ['change-me-to-something-long-and-random'],
      }),
    shared_secret_file: path.exactOptional().meta({
      description: 'File that holds the shared secret instead.',
      examples: ['/run/secrets/registration_shared_secret'],
    }),
  })
  .prefault({})
  .describe('Making accounts.');
