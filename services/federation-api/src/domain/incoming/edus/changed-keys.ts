import type { KeysForServers } from '@ganglion/contracts/keys';
import { domainOf } from '@ganglion/protocol';
import type { EduIntake } from '../edus.js';
import type { Giver } from '../room-pdus.js';
import { changedKeys } from './edu-contents.js';

/**
 * That a user has other devices or cross-signing keys than before. Which, is asked of their server when somebody wants to know: so
 * none that was missed leaves anything stale.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#device-management
 */
export class ChangedKeysEdus implements EduIntake {
  constructor(private readonly keys: Pick<KeysForServers, 'noteChangedLists'>) {}

  async take({ origin }: Giver, contents: readonly unknown[]): Promise<void> {
    const userIds = contents.flatMap((content) => changedKeys.safeParse(content).data?.user_id ?? []);
    const theirs = [...new Set(userIds.filter((userId) => domainOf(userId) === origin))];
    if (theirs.length > 0) await this.keys.noteChangedLists({ userIds: theirs });
  }
}
