import { isMatrixError } from '@ganglion/contracts';
import { domainOf, type JsonObject } from '@ganglion/protocol';
import type { Owners } from './ports.js';

/** The part of a user's profile that their member events carry; nothing for users of whom nothing is known. */
export async function profileContent(
  { users, isOurs }: Pick<Owners, 'users' | 'isOurs'>,
  userId: string,
): Promise<JsonObject> {
  try {
    const { displayname, avatar_url } = JSON.parse((await users.getProfile({ userId })).profileJson) as JsonObject;
    return { ...(displayname !== undefined && { displayname }), ...(avatar_url !== undefined && { avatar_url }) };
  } catch (error) {
    // Whether another server tells of its user, or is there at all, is no reason not to invite them.
    if (isMatrixError(error) && (error.status === 404 || !isOurs(domainOf(userId)))) return {};
    throw error;
  }
}
