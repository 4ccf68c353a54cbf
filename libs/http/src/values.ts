/** What requests are made of, of whichever service: schemas, and the words for what does not fit them. */
import {
  isJsonObject,
  isValidDeviceId,
  isValidEventId,
  isValidRoomAlias,
  isValidRoomId,
  isValidServerName,
  isValidUserId,
  type JsonObject,
} from '@ganglion/protocol';
import { z } from 'zod';

/** Any text that a database can keep and be asked for. */
export const text = z
  .string()
  .refine((value) => !value.includes('\0') && value.isWellFormed(), 'must not hold U+0000 or half a character');

/** @see https://spec.matrix.org/v1.19/appendices/#identifier-grammar */
export const userId = text.refine((id) => isValidUserId(id), 'is not a user id');
export const roomId = text.refine((id) => isValidRoomId(id), 'is not a room id');
export const roomAlias = text.refine((alias) => isValidRoomAlias(alias), 'is not a room alias');
export const eventId = text.refine((id) => isValidEventId(id), 'is not an event id');
export const deviceId = text.refine((id) => isValidDeviceId(id), 'is not a device id');
export const serverName = text.refine((name) => isValidServerName(name), 'is not a server name');

/** A JSON object, taken as it is. */
export const jsonObject = z.custom<JsonObject>(isJsonObject, 'must be a JSON object');

/** Many clients send null for what they do not set. */
export function orAbsent<T>(schema: z.ZodType<T>) {
  return schema.nullish().transform((given) => given ?? undefined);
}

/** As orAbsent, with something in place of what is not set. */
export function orElse<T>(schema: z.ZodType<T>, otherwise: T) {
  return schema.nullish().transform((given) => given ?? otherwise);
}

/** A query parameter that may be there any number of times. */
export function severalOf<T>(item: z.ZodType<T>, most = 100) {
  return z.preprocess(
    (given) => (given === undefined || Array.isArray(given) ? given : [given]),
    z.array(item).max(most),
  );
}

/** Query parameters arrive as text. */
export const booleanText = z.enum(['true', 'false']).transform((value) => value === 'true');
export const wholeNumberText = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number, not negative')
  .transform(Number);
/** How many of something, which nobody has more of. */
export const limitText = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a whole number, not negative')
  .transform(Number);
