import { isMatrixError } from '@ganglion/contracts';
import type { JsonObject } from '@ganglion/protocol';
import type { Owners } from './ports.js';

/** The part of a user's profile that their member events carry; nothing for users of whom nothing is known. */
export async function profileContent({ users }: Pick<Owners, 'users'>, userId: string): Promise<JsonObject> {
  try {
    const { displayname, avatar_url } = JSON.parse((await users.getProfile({ userId })).profileJson) as JsonObject;
    return { ...(displayname !== undefined && { displayname }), ...(avatar_url !== undefined && { avatar_url }) };
  } catch (error) {
    if (isMatrixError(error) && error.status === 404) return {};
    throw error;
  }
}
