import type { Bus } from '@ganglion/bus';
import { KEY_CHANGES, KEY_LOG_GREW } from '@ganglion/contracts';
import type { KeyChange } from '@ganglion/contracts/keys';
import type { OutboxStore, WholeOutbox } from '@ganglion/service';
import type { KeyChangeRecord } from '../domain/ports.js';

/** What is told of keys, and how. */
export function keyOutbox(store: OutboxStore<KeyChangeRecord>, bus: Bus): WholeOutbox<KeyChangeRecord, KeyChange> {
  return {
    stream: KEY_CHANGES,
    store,
    keyOf: ({ userId }) => userId,
    seqOf: ({ seq }) => seq,
    messagesOf: ({ userId, seq, listChanged, signedUserIds }) => [
      {
        ...{ key: userId, id: `${userId}/${seq}` },
        message: { userId, seq, listChanged, signedUserIds: [...signedUserIds] },
      },
    ],
    onPublished: () => bus.broadcast(KEY_LOG_GREW, {}),
  };
}
