import { isJsonObject } from '@ganglion/protocol';

/** In milliseconds; undefined is for ever. */
export interface RetentionRules {
  /** Of rooms that say nothing themselves. */
  readonly defaultMs: number | undefined;
  /** What rooms ask for is brought within these. */
  readonly leastMs: number;
  readonly mostMs: number | undefined;
}

/**
 * How long a room keeps its messages.
 * @param policy the PDU of the room's m.room.retention
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/1763
 */
export function lifetimeOf(policy: string | null, { defaultMs, leastMs, mostMs }: RetentionRules): number | undefined {
  const asked = policy === null ? undefined : askedLifetime(policy);
  if (asked === undefined) return defaultMs;
  return Math.min(Math.max(asked, leastMs), mostMs ?? Number.MAX_SAFE_INTEGER);
}

/** Whatever is malformed asks for nothing. */
function askedLifetime(policy: string): number | undefined {
  const { content } = JSON.parse(policy) as { content: unknown };
  if (!isJsonObject(content)) return undefined;
  const { max_lifetime: most, min_lifetime: least } = content;
  const isLifetime = Number.isSafeInteger(most) && (most as number) > 0;
  if (!isLifetime || (Number.isSafeInteger(least) && (least as number) > (most as number))) return undefined;
  return most as number;
}
