import { type Bus, jsonCodec, type Topic } from '@ganglion/bus';
import { ANNOUNCEMENTS, type Announcement } from '@ganglion/contracts';
import type { AppendBatch } from '../domain/append-batch.js';
import type { TypingReply } from '../domain/ephemeral/typing-calls.js';
import type { FeedSource } from '../domain/feed/live-feed.js';
import { TYPING_TAKEN } from './ephemeral-intake.js';

/** What was appended. Replicas trust each other, and a batch that does not follow is read from the database. */
export const APPENDED: Topic<AppendBatch> = {
  name: 'sync-appended',
  codec: jsonCodec((input) => ({ ...ADDED_LATER, ...(input as AppendBatch) })),
};
/** What an appender of an earlier release does not know. */
const ADDED_LATER = {
  purges: [],
  presence: [],
  keyChanges: [],
  deviceMessages: [],
  placedMessageLists: [],
};

/** Who is told what the bus brings while the feed listens. */
export interface Heard {
  batch(batch: AppendBatch): void;
  announcement(announcement: Announcement): void;
  typing(reply: TypingReply): void;
}

/** What the appender of this or another replica wrote, what it is about to, and who types, as the bus brings it. */
export function feedSource(bus: Bus, replica: string, heard: Heard): FeedSource {
  return {
    get connected() {
      return bus.connected;
    },
    async listen(onBatch) {
      const subscriptions = await Promise.all([
        bus.listen(APPENDED, (batch) => {
          heard.batch(batch);
          onBatch(batch);
        }),
        bus.listen(ANNOUNCEMENTS, heard.announcement),
        bus.listen(TYPING_TAKEN, heard.typing, { key: replica }),
      ]);
      return async () => {
        await Promise.all(subscriptions.map((subscription) => subscription.stop()));
      };
    },
    onReset: (listener) => bus.onReset(listener),
  };
}
