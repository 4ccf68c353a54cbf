import { z } from 'zod';
import { httpUrl, languageCode, opaqueId, path } from '../values.js';

export const registration = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Whether anybody may make an account.'),
    allow_guests: z
      .boolean()
      .default(false)
      .describe('Whether anybody may look around as a guest, without an account.'),
    requires_token: z
      .boolean()
      .default(false)
      .describe('Whether only those may make an account who have got a registration token from an administrator.'),
    requires_email: z
      .boolean()
      .default(false)
      .describe(
        'Whether only those may make an account who show that an e-mail address is theirs. Needs the section email.',
      ),
    terms: z
      .array(
        z.strictObject({
          policy: opaqueId.meta({ description: 'What the document is called among programs.', examples: ['privacy'] }),
          version: opaqueId.meta({ description: 'The version that is in force.', examples: ['1.0'] }),
          language: languageCode.default('en').describe('The language that it is in.'),
          name: z
            .string()
            .min(1)
            .meta({ description: 'Its title, for people.', examples: ['Privacy policy'] }),
          url: httpUrl.meta({ description: 'Where it can be read.', examples: ['https://example.org/privacy'] }),
        }),
      )
      .exactOptional()
      .meta({ description: 'Documents that new users must agree to, one entry for each language of each.' }),
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
