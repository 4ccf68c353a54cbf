import type { Bus, ConsumerDefinition, Delivery, Subscription } from '@ganglion/bus';
import { isUnknownCall, ROOM_EVENTS } from '@ganglion/contracts';
import type {
  ListOurUsersResponse,
  ListSuccessionsResponse,
  LoggedEvent,
  RoomEvents,
  RoomReads,
  RoomSummaries,
} from '@ganglion/contracts/room';
import { domainOf } from '@ganglion/protocol';
import type { Announcements, SuccessionStore } from '../domain/ports.js';

const ROOMS: ConsumerDefinition<RoomEvents> = {
  stream: ROOM_EVENTS,
  durable: 'user-server-successions',
  maxBatch: 256,
  maxAttempts: 20,
  backoffMs: [50, 200, 1_000, 5_000],
  key: ({ roomId }) => roomId,
};

const USERS_AT_ONCE = 1_000;

export interface SuccessionReaders {
  readonly roomReads: Pick<RoomReads, 'listOurUsers'>;
  readonly roomSummaries: Pick<RoomSummaries, 'listSuccessions' | 'inheritAliases'>;
}

/** What a run of events says of who has come into a room. */
interface News {
  /** Users of ours who have joined, or have said something else of themselves, with the numbers of their events. */
  readonly joined: Map<string, number>;
  /** The room was replaced, or so much has changed that anybody may have joined. */
  isOpen: boolean;
}

/**
 * Gives users in a room what they had in the one that it replaces: when they join it, or when the other one says that it
 * is replaced, whichever comes last, and whoever has replaced it. Before the first of them, our aliases of the old room come along;
 * later ones stay: whoever has given it another name since has meant that.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
 */
export class RoomSuccessions {
  #subscription: Subscription | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly rooms: SuccessionReaders,
    private readonly store: SuccessionStore,
    private readonly announcements: Announcements,
    private readonly isOurs: (serverName: string) => boolean,
  ) {}

  async start(): Promise<void> {
    this.#subscription = await this.bus.consume(ROOMS, (batch) => this.#read(batch));
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop();
  }

  async #read(batch: readonly Delivery<RoomEvents>[]): Promise<void> {
    const news = new Map<string, News>();
    for (const { message } of batch) for (const event of message.events) this.#note(news, message.roomId, event);
    if (news.size === 0) return;
    const { successions, stayedNids } = await this.#successions(news);
    // Whoever was in the room before has not come into it now: it may have replaced the other one long ago.
    const stayed = new Set(stayedNids);
    for (const { roomId: from, replacementRoomId: to } of successions) {
      const isOpen = news.get(from)?.isOpen || news.get(to)?.isOpen;
      const joined = [...(news.get(to)?.joined ?? [])].filter(([, eventNid]) => !stayed.has(eventNid));
      const users = isOpen ? this.#usersOf(to) : [joined.map(([userId]) => userId)];
      for await (const userIds of users) await this.#follow(userIds, from, to);
    }
  }

  async #successions(news: ReadonlyMap<string, News>): Promise<ListSuccessionsResponse> {
    const joinNids = [...news.values()].flatMap(({ joined }) => [...joined.values()]);
    try {
      return await this.rooms.roomSummaries.listSuccessions({ roomIds: [...news.keys()], joinNids });
    } catch (error) {
      // A room-server of the release before: whoever comes meanwhile has nothing carried over, as with that release.
      if (isUnknownCall(error)) return { successions: [], stayedNids: [] };
      throw error;
    }
  }

  #note(news: Map<string, News>, roomId: string, { stateChanges, hasMoreStateChanges }: LoggedEvent): void {
    const joined = stateChanges.filter(
      ({ type, membership, stateKey }) =>
        type === 'm.room.member' && membership === 'join' && this.isOurs(domainOf(stateKey)),
    );
    const isOpen = hasMoreStateChanges || stateChanges.some(({ type }) => type === 'm.room.tombstone');
    if (!isOpen && joined.length === 0) return;
    const known = news.get(roomId) ?? { joined: new Map(), isOpen: false };
    // Of several in one batch, the first says whether they were there before.
    for (const { stateKey, eventNid } of joined) {
      if (!known.joined.has(stateKey)) known.joined.set(stateKey, eventNid);
    }
    known.isOpen ||= isOpen;
    news.set(roomId, known);
  }

  async *#usersOf(roomId: string): AsyncIterable<string[]> {
    for (let afterUser: string | undefined = ''; afterUser !== undefined; ) {
      const page: ListOurUsersResponse = await this.rooms.roomReads.listOurUsers({ roomId, afterUser });
      yield page.userIds;
      afterUser = page.nextUser;
    }
  }

  async #follow(userIds: readonly string[], from: string, to: string): Promise<void> {
    if (userIds.length === 0) return;
    if (!(await this.store.isFollowed(to))) await this.#inheritAliases(from, to);
    for (let start = 0; start < userIds.length; start += USERS_AT_ONCE) {
      const changes = await this.store.follow(userIds.slice(start, start + USERS_AT_ONCE), { from, to });
      for (const ofUser of Map.groupBy(changes, ({ userId }) => userId).values()) this.announcements.changed(ofUser);
    }
  }

  /** Once more does no harm: whoever dies before it is noted who follows leaves it to the next. */
  async #inheritAliases(roomId: string, replacementRoomId: string): Promise<void> {
    try {
      await this.rooms.roomSummaries.inheritAliases({ roomId, replacementRoomId });
    } catch (error) {
      // As with a room-server of the release before.
      if (!isUnknownCall(error)) throw error;
    }
  }
}
