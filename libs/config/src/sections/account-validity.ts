import { z } from 'zod';
import { milliseconds } from '../values.js';

const DAY_MS = 86_400_000;

export const accountValidity = z
  .strictObject({
    period_ms: milliseconds.meta({
      description: 'How long an account lasts, and how long it goes on when it is renewed.',
      examples: [180 * DAY_MS],
    }),
    renew_before_ms: milliseconds
      .default(7 * DAY_MS)
      .describe(
        'How long before its end its owner is sent an e-mail with a link that renews it. Needs the section email; without that, only administrators renew accounts.',
      ),
  })
  .exactOptional()
  .meta({
    description:
      'Accounts that expire unless they are renewed, those of guests and administrators excepted: nothing is deleted then, and their owners can do nothing but have them renewed. Accounts that are there already end in the last tenth of a first period. Without this section none expires, and the time without it does not count.',
  });
