import { isMatrixError } from '@ganglion/contracts';
import type { Users } from '@ganglion/contracts/user';
import type { Avatars, ErasedUsers } from '../domain/ports/surroundings.js';

const AT_ONCE = 16;

/** Users and their avatars, as user-server knows them. */
export class ProfileAvatars implements Avatars, ErasedUsers {
  constructor(private readonly users: Users) {}

  async of(userIds: readonly string[]): Promise<string[]> {
    const found: string[] = [];
    for (let from = 0; from < userIds.length; from += AT_ONCE) {
      const some = await Promise.all(userIds.slice(from, from + AT_ONCE).map((userId) => this.#avatar(userId)));
      found.push(...some.flatMap((uri) => uri ?? []));
    }
    return found;
  }

  async list(sinceMs: number, afterUser: string, limit: number): Promise<string[]> {
    return (await this.users.listErasedUsers({ sinceMs, afterUser, limit })).userIds;
  }

  async #avatar(userId: string): Promise<string | undefined> {
    try {
      const { profileJson } = await this.users.getProfile({ userId });
      const { avatar_url } = JSON.parse(profileJson) as { avatar_url?: unknown };
      return typeof avatar_url === 'string' ? avatar_url : undefined;
    } catch (error) {
      if (isMatrixError(error) && error.status === 404) return undefined;
      throw error;
    }
  }
}
