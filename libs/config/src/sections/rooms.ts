import { z } from 'zod';
import { count } from '../values.js';

export const rooms = z
  .strictObject({
    default_version: z
      .enum(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'])
      .default('12')
      .describe('Version of the rooms whose creator names none.'),
    max_loaded: count.default(5_000).describe('Rooms whose current state each room-server keeps in memory at most.'),
  })
  .prefault({})
  .describe('Rooms.');
