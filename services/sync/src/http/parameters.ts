import { booleanText, roomId, text, wholeNumberText } from '@ganglion/http/values';
import { exceedsIdentifierLimit } from '@ganglion/protocol';
import { z } from 'zod';
import { parseHistoryToken } from '../domain/history/history-token.js';
import { parseSyncToken } from '../domain/sync-token.js';

const MAX_PAGE = 1_000;
const MAX_RELATIONS = 100;

export const tokenText = z.string().transform(parseSyncToken);
const historyTokenText = z.string().transform(parseHistoryToken);

export const roomPath = z.object({ roomId });
export const eventPath = roomPath.extend({
  // Which forms there are, room versions say: one that none of them knows is just not found.
  eventId: text.refine((id) => id.startsWith('$') && !exceedsIdentifierLimit(id), 'is not an event id'),
});

const name = text.min(1, 'must not be empty');
const MAX_NOTIFICATIONS = 100;
/** Of an event whose room is not named. */
export const oldEventPath = eventPath.omit({ roomId: true });
export const relationsPath = eventPath.extend({ relType: name.optional(), eventType: name.optional() });

/** A page holds at least one: none at all would lead nowhere. */
const pageSize = wholeNumberText.transform((limit) => Math.min(Math.max(limit, 1), MAX_RELATIONS)).default(20);

export const relationsQuery = z.object({
  dir: z.enum(['b', 'f']).default('b'),
  from: historyTokenText.optional(),
  to: historyTokenText.optional(),
  limit: pageSize,
  recurse: booleanText.default(false),
});

export const threadsQuery = z.object({
  from: historyTokenText.optional(),
  include: z.enum(['all', 'participated']).default('all'),
  limit: pageSize,
});

export const syncQuery = z.object({
  since: tokenText.optional(),
  filter: z.string().optional(),
  full_state: booleanText.optional(),
  timeout: wholeNumberText.optional(),
  set_presence: z.enum(['offline', 'online', 'unavailable']).optional(),
  use_state_after: booleanText.optional(),
  'org.matrix.msc4222.use_state_after': booleanText.optional(),
});

export const messagesQuery = z.object({
  // Required by the specification, and left out by some.
  dir: z.enum(['b', 'f']).default('f'),
  from: historyTokenText.optional(),
  to: historyTokenText.optional(),
  limit: wholeNumberText.transform((limit) => Math.min(limit, MAX_PAGE)).default(10),
  filter: z.string().optional(),
});

export const notificationsQuery = z.object({
  from: z
    .string()
    .regex(/^n\d{1,15}$/, 'is not a token of ours')
    .transform((token) => Number(token.slice(1)))
    .optional(),
  limit: wholeNumberText.transform((limit) => Math.min(Math.max(limit, 1), MAX_NOTIFICATIONS)).default(20),
  // Whatever else there may be one day filters nothing.
  only: z.string().optional(),
});

export const timestampQuery = z.object({ ts: wholeNumberText, dir: z.enum(['b', 'f']) });

export const contextQuery = z.object({
  limit: wholeNumberText.transform((limit) => Math.min(limit, MAX_PAGE)).default(10),
  filter: z.string().optional(),
});

const membership = z.enum(['join', 'invite', 'knock', 'leave', 'ban']);

export const membersQuery = z.object({
  at: historyTokenText.optional(),
  membership: membership.optional(),
  not_membership: membership.optional(),
});

const SNAPSHOT = 20;
const MAX_SNAPSHOT = 100;
const snapshotSize = wholeNumberText.transform((limit) => Math.min(limit, MAX_SNAPSHOT)).default(SNAPSHOT);

export const roomInitialSyncQuery = z.object({ limit: snapshotSize });
export const initialSyncQuery = z.object({ limit: snapshotSize, archived: booleanText.default(false) });

export const eventsQuery = z.object({
  from: tokenText.optional(),
  room_id: roomPath.shape.roomId.optional(),
  timeout: wholeNumberText.default(0),
  // Of clients from before /sync, who may be given more than they ask for.
  limit: wholeNumberText.optional(),
});
