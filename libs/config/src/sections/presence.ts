import { z } from 'zod';

export const presence = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Whether people see who of those that they share a room with is there. false saves the work it makes.'),
  })
  .prefault({})
  .describe('Who is there.');
