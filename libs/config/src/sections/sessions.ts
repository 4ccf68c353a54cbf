import { z } from 'zod';
import { milliseconds } from '../values.js';

export const sessions = z
  .strictObject({
    access_token_lifetime_ms: milliseconds.exactOptional().meta({
      description: 'Lifetime of the access tokens of clients that cannot refresh them; by default for ever.',
      examples: [7_776_000_000],
    }),
    refreshable_access_token_lifetime_ms: milliseconds
      .default(300_000)
      .describe('Lifetime of the access tokens of clients that can refresh them.'),
    refresh_token_lifetime_ms: milliseconds.exactOptional().meta({
      description: 'How long a refresh token that is not used lasts; by default for ever.',
      examples: [7_776_000_000],
    }),
    login_tokens: z
      .boolean()
      .default(true)
      .describe('Whether a device that is logged in can log in another one, after the password was given again.'),
    login_token_lifetime_ms: milliseconds.default(120_000).describe('How long the other device may take for that.'),
  })
  .prefault({})
  .describe('Logged-in devices.');
