import {
  isJsonObject,
  isValidEventId,
  isValidRoomAlias,
  isValidRoomId,
  isValidUserId,
  type JsonObject,
} from '@ganglion/protocol';
import { z } from 'zod';

/** Any string that can be looked for in a database. */
export const text = z
  .string()
  .refine((value) => !value.includes('\0') && value.isWellFormed(), 'must not hold U+0000 or half a character');
export const roomId = text.refine((id) => isValidRoomId(id), 'is not a room id');
export const roomAlias = text.refine((alias) => isValidRoomAlias(alias), 'is not a room alias');
export const userId = text.refine((id) => isValidUserId(id), 'is not a user id');
export const eventId = text.refine((id) => isValidEventId(id), 'is not an event id');
export const jsonObject = z.custom<JsonObject>(isJsonObject, 'must be a JSON object');

export const roomPath = z.object({ roomId });
export const eventPath = z.object({ eventId });
export const roomEventPath = z.object({ roomId, eventId });
export const roomUserPath = z.object({ roomId, userId });

/** A query parameter that may be there any number of times. */
export const severalOf = <T>(item: z.ZodType<T>, most = 100) =>
  z.preprocess((given) => (given === undefined || Array.isArray(given) ? given : [given]), z.array(item).max(most));

export const limitText = text.regex(/^\d{1,9}$/, 'must be a whole number, not negative').transform(Number);
export const booleanText = z.enum(['true', 'false']).transform((value) => value === 'true');
/** Milliseconds since the epoch. */
export const timeText = text.regex(/^-?\d{1,15}$/, 'must be a time in milliseconds').transform(Number);
