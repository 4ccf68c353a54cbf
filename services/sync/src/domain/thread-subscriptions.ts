import { MatrixError } from '@ganglion/contracts';
import { relationOf } from '@ganglion/protocol';
import { contentText } from './event-text.js';
import { type HistoryDependencies, noSuchEvent, readRoom, visibleEvent } from './history/reading.js';
import type { RoomAccess } from './history/room-access.js';
import type {
  SubscriptionKey,
  SubscriptionPage,
  ThreadSubscription,
  ThreadSubscriptionModel,
} from './ports/thread-subscription-model.js';

/**
 * Which threads users follow.
 *
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/4306
 */
export class ThreadSubscriptions {
  constructor(
    private readonly history: HistoryDependencies,
    private readonly model: ThreadSubscriptionModel,
  ) {}

  /** @throws MatrixError M_NOT_FOUND when there is none, or no such thread that they may see */
  async get(key: SubscriptionKey): Promise<{ readonly automatic: boolean }> {
    await this.#inThread(key, async () => {});
    const automatic = await this.model.find(key);
    if (automatic === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'You do not follow this thread');
    return { automatic };
  }

  /**
   * By a wish, or because of an event in the thread, unless they have ended it after that.
   *
   * @throws MatrixError M_NOT_FOUND, M_NOT_IN_THREAD, M_CONFLICTING_UNSUBSCRIPTION
   */
  async subscribe(key: SubscriptionKey, causeId: string | undefined): Promise<void> {
    const cause = await this.#inThread(key, (access) =>
      causeId === undefined ? Promise.resolve(undefined) : this.#positionOf(access, key, causeId),
    );
    if ((await this.model.subscribe(key, cause)) !== 'ended-since') return;
    throw new MatrixError(
      409,
      'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION',
      'You have ended this after the event that it is to come of',
    );
  }

  /** @throws MatrixError M_NOT_FOUND */
  async unsubscribe(key: SubscriptionKey): Promise<void> {
    const position = await this.#inThread(key, async ({ upTo }) => upTo);
    await this.model.unsubscribe(key, position);
  }

  list(page: SubscriptionPage): Promise<readonly ThreadSubscription[]> {
    return this.model.list(page);
  }

  /** Whether it is the event or the room that one may not see makes no difference here. */
  #inThread<T>(key: SubscriptionKey, run: (access: RoomAccess) => Promise<T>): Promise<T> {
    const { userId, roomId, rootId: eventId } = key;
    const read = readRoom(this.history, { userId, deviceId: '', roomId }, undefined, async (access) => {
      await visibleEvent(this.history, access, { userId, deviceId: '', eventId });
      return run(access);
    });
    return read.catch((error: unknown) => {
      throw error instanceof MatrixError && error.errcode === 'M_FORBIDDEN' ? noSuchEvent() : error;
    });
  }

  async #positionOf(access: RoomAccess, { userId, rootId }: SubscriptionKey, eventId: string): Promise<number> {
    const { text, place } = await visibleEvent(this.history, access, { userId, deviceId: '', eventId });
    const relation = relationOf(JSON.parse(contentText(text)));
    if (relation?.relType === 'm.thread' && relation.eventId === rootId) return place.position;
    throw new MatrixError(400, 'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD', `${eventId} is not in the thread`);
  }
}
