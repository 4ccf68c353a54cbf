import { z } from 'zod';
import { count } from '../values.js';

export const passwords = z
  .strictObject({
    min_length: count.default(8).describe('A shorter password is refused with M_WEAK_PASSWORD.'),
    argon2: z
      .strictObject({
        memory_kib: z.int().min(8).default(19_456).describe('Memory for one hash.'),
        passes: count.default(2).describe('Passes over that memory.'),
        parallelism: z.int().min(1).max(16).default(1).describe('Threads for one hash.'),
      })
      .prefault({})
      .describe('Cost of argon2id, for passwords set from now on.'),
  })
  .prefault({})
  .describe('Passwords.');
