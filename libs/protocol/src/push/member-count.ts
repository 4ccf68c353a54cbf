const MEMBER_COUNT = /^(==|<=|>=|<|>)?([0-9]{1,15})$/;

const COMPARISONS: Readonly<Record<string, (count: number, limit: number) => boolean>> = {
  '==': (count, limit) => count === limit,
  '<': (count, limit) => count < limit,
  '>': (count, limit) => count > limit,
  '<=': (count, limit) => count <= limit,
  '>=': (count, limit) => count >= limit,
};

/**
 * Makes the `is` of a `room_member_count` condition ready for use, or returns undefined where it is malformed.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#conditions-1
 */
export function compileMemberCount(is: unknown): ((count: number) => boolean) | undefined {
  const match = typeof is === 'string' ? MEMBER_COUNT.exec(is) : null;
  if (!match) return undefined;
  const compare = COMPARISONS[match[1] ?? '=='];
  const limit = Number(match[2]);
  return compare && ((count) => compare(count, limit));
}
