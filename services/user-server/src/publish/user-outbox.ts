import { USER_CHANGES } from '@ganglion/contracts';
import type { UserChanges } from '@ganglion/contracts/user';
import type { OutboxStore, WholeOutbox } from '@ganglion/service';
import type { Metrics } from '@ganglion/telemetry';
import type { UserChangeRecord } from '../domain/ports.js';
import { userChangesOf } from './user-changes.js';

/** What is told of users, and how. */
export function userOutbox(
  store: OutboxStore<UserChangeRecord>,
  metrics: Metrics,
): WholeOutbox<UserChangeRecord, UserChanges> {
  const published = metrics.counter({
    name: 'ganglion_user_changes_published_total',
    help: "Changes of users' data that were published, by who did it.",
    labels: { by: ['writer', 'sweeper'] },
  });
  return {
    stream: USER_CHANGES,
    store,
    keyOf: ({ userId }) => userId,
    seqOf: ({ userSeq }) => userSeq,
    messagesOf: (change) => {
      const { userId, userSeq } = change;
      return [{ key: userId, id: `${userId}/${userSeq}`, message: userChangesOf(userId, [change]) }];
    },
    onPublished: (count, by) => published.inc({ by }, count),
  };
}
