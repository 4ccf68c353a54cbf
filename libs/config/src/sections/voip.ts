import { z } from 'zod';
import { milliseconds, path } from '../values.js';

export const voip = z
  .strictObject({
    turn_uris: z
      .array(z.string().regex(/^(?:turns?|stuns?):\S+$/, 'a URI that begins with turn:, turns:, stun: or stuns:'))
      .default([])
      .meta({
        description: 'TURN servers, by which clients reach each other for calls that they cannot make directly.',
        examples: [['turns:turn.example.org?transport=tcp']],
      }),
    turn_shared_secret: z
      .string()
      .min(1)
      .exactOptional()
      .meta({
        description: 'What they know as well, such as static-auth-secret of coturn: passwords are made of it.',
        examples: ['change-me-to-something-long-and-random'],
      }),
    turn_shared_secret_file: path.exactOptional().meta({
      description: 'File that holds the secret instead.',
      examples: ['/run/secrets/turn_shared_secret'],
    }),
    turn_lifetime_ms: milliseconds.default(86_400_000).describe('How long such a password is good for.'),
  })
  .prefault({})
  .describe('Calls.');
