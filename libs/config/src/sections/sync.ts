import { z } from 'zod';
import { contradiction, count, milliseconds } from '../values.js';

export const sync = z
  .strictObject({
    default_timeline_limit: count
      .default(10)
      .describe('Events of a room in one answer when the client names no limit.'),
    max_timeline_limit: count.default(100).describe('Events of a room in one answer at most.'),
    max_timeout_ms: milliseconds.default(120_000).describe('How long a client may wait for something to happen.'),
    recent_events_per_room: count.default(100).describe('Events of each room kept ready in memory.'),
    max_cached_rooms: count.default(10_000).describe('Rooms whose recent events are kept ready in memory.'),
    event_cache_bytes: count
      .default(64 * 1024 * 1024)
      .describe(
        'Memory for the texts of events, in bytes; what does not fit is asked of room-server when it is needed.',
      ),
  })
  .superRefine(({ default_timeline_limit, max_timeline_limit }, { addIssue }) => {
    if (default_timeline_limit > max_timeline_limit) {
      const message = `expected at most max_timeline_limit (${max_timeline_limit})`;
      addIssue(contradiction(message, 'default_timeline_limit'));
    }
  })
  .prefault({})
  .describe('What clients may ask of /sync and /messages.');
