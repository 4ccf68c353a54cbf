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
    const told = contents.flatMap((content) => changedKeys.safeParse(content).data ?? []);
    const theirs = told.filter(({ user_id }) => domainOf(user_id) === origin);
    const [first, others] = [true, false].map((isFirst) =>
      theirs.filter((each) => isIntroduction(each) === isFirst).map(({ user_id }) => user_id),
    );
    const [userIds, introducedUserIds] = [[...new Set(others)], [...new Set(first)]];
    if (theirs.length > 0) await this.keys.noteChangedLists({ userIds, introducedUserIds });
  }
}

/** What follows nothing, and brings no keys, tells who somebody is: no key is other than before. */
function isIntroduction({ prev_id, keys, deleted }: ReturnType<typeof changedKeys.parse>): boolean {
  return prev_id?.length === 0 && keys === undefined && deleted !== true;
}
