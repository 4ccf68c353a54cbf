import { z } from 'zod';
import { contradiction, count, milliseconds } from '../values.js';

const retention = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        'Whether messages go when a room has kept them for long enough. Rooms say how long that is by m.room.retention; state stays in any case.',
      ),
    default_ms: milliseconds.exactOptional().meta({
      description: 'How long rooms that say nothing keep messages; by default for ever.',
      examples: [31_536_000_000],
    }),
    least_ms: milliseconds.default(86_400_000).describe('No room keeps messages for a shorter time, whatever it says.'),
    most_ms: milliseconds.exactOptional().meta({
      description: 'No room that says how long keeps messages for a longer time; by default any time.',
      examples: [157_680_000_000],
    }),
    every_ms: milliseconds.default(3_600_000).describe('How often it is looked for what has become too old.'),
  })
  .superRefine(({ least_ms, most_ms }, context) => {
    if (most_ms === undefined || least_ms <= most_ms) return;
    context.addIssue(contradiction('least_ms has to be at most most_ms.', 'least_ms'));
  })
  .prefault({})
  .describe('How long messages are kept.');

export const rooms = z
  .strictObject({
    default_version: z
      .enum(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'])
      .default('12')
      .describe('Version of the rooms whose creator names none.'),
    max_loaded: count.default(5_000).describe('Rooms whose current state each room-server keeps in memory at most.'),
    retention,
    forget_on_leave: z
      .boolean()
      .default(false)
      .describe(
        'Whether users who leave a room, or are removed from it, see nothing of it any more, as if they had forgotten it.',
      ),
    thread_subscriptions: z
      .boolean()
      .default(false)
      .describe(
        'Whether users are told of what happens in threads that they follow, and of others only where they are mentioned (MSC4306): by push rules, which each may disable. Clients that do not know of it follow none.',
      ),
    delayed_events: z
      .strictObject({
        max_delay_seconds: count.default(86_400).describe('What is later than that is refused.'),
        max_per_user: count.default(100).describe('How many of one user may wait at once.'),
      })
      .prefault({})
      .describe('Events that clients want to be sent later, as calls do (MSC4140).'),
  })
  .prefault({})
  .describe('Rooms.');
