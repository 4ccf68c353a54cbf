import { booleanText, roomId, userId } from '@ganglion/http/values';
import { z } from 'zod';

export { type FilePath, filePath, type MediaPath, mediaPath } from './parameters.js';

const whole = (most: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, 'must be a whole number')
    .transform(Number)
    .refine((number) => number <= most, `must be at most ${most}`);
/** In milliseconds; later than any. */
const MAX_TIME = 8_640_000_000_000_000;

export const userPath = z.object({ userId });
export const roomPath = z.object({ roomId });
export type UserPath = z.output<typeof userPath>;
export type RoomPath = z.output<typeof roomPath>;

export const pageQuery = z.object({
  from: whole(Number.MAX_SAFE_INTEGER).default(0),
  limit: whole(1_000)
    .refine((limit) => limit > 0, 'must be at least 1')
    .default(100),
});
export type PageQuery = z.output<typeof pageQuery>;

export const purgeQuery = z.object({ before_ts: whole(MAX_TIME) });
export type PurgeQuery = z.output<typeof purgeQuery>;

export const deleteQuery = z
  .object({
    before_ts: whole(MAX_TIME),
    size_gt: whole(Number.MAX_SAFE_INTEGER).optional(),
    keep_profiles: booleanText.default(true),
  })
  .transform((query) => ({ sinceMs: query.before_ts, largerThan: query.size_gt, keepProfiles: query.keep_profiles }));
export type DeleteQuery = z.output<typeof deleteQuery>;
