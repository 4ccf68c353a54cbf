import { MatrixError } from '@ganglion/contracts';
import type { PushRuleOptions } from '@ganglion/protocol';
import type { Gauge, Histogram } from '@ganglion/telemetry';
import pLimit from 'p-limit';
import type { AccountDataRow } from '../append-batch.js';
import { forEachAtMost } from '../at-most.js';
import { concatenated } from '../concatenated.js';
import type { Announcements, AwaitingReader } from '../feed/announcements.js';
import type { Deliveries } from '../feed/deliveries.js';
import type { LiveFeed } from '../feed/live-feed.js';
import { formatSyncToken, formatToken } from '../sync-token.js';
import { type UnreadCounts, unreadText } from '../unread/unread-counts.js';
import type { ErasedUsers } from '../views/erased-users.js';
import type { RoomViews } from '../views/room-views.js';
import type { TypingNow } from '../views/typing-now.js';
import { type RoomMembership, snapshotOf, type UserView } from '../views/user-view.js';
import type { UserViews } from '../views/user-views.js';
import type { DeviceListReader } from './device-list-reader.js';
import type { EphemeralReader } from './ephemeral-reader.js';
import type { InboxReader } from './inbox-reader.js';
import { declinedRoomAnswer, ownMemberEvent, strippedRoomText, strippedStateOf, toldState } from './invited-room.js';
import { accountDataFor, accountDataText, roomAnswer } from './joined-room.js';
import type { PresenceReader } from './presence-reader.js';
import { type Aside, quietRoomAnswer } from './quiet-room.js';
import type { RoomReaders } from './room-readers.js';
import { isDeleted, shownAccountData } from './shown-account-data.js';
import type { SyncRequest, Window } from './sync-request.js';

export interface SyncDependencies extends RoomReaders {
  readonly feed: LiveFeed;
  readonly rooms: RoomViews;
  readonly users: UserViews;
  readonly announcements: Announcements;
  readonly ephemeral: EphemeralReader;
  readonly typing: Pick<TypingNow, 'settled'>;
  readonly unread: UnreadCounts;
  /** Which push rules there are. */
  readonly rules: PushRuleOptions;
  readonly erased: Pick<ErasedUsers, 'known'>;
  readonly inbox: InboxReader;
  readonly deviceLists: DeviceListReader;
  readonly presence: PresenceReader;
  readonly deliveries: Deliveries;
  /** Counts the requests that wait. */
  readonly waiting: Pick<Gauge, 'inc' | 'dec'>;
  /** Measures how long answers take, without what was waited for. */
  readonly assembling: Pick<Histogram, 'startTimer'>;
}

interface RoomAside extends Aside {
  readonly accountData: readonly AccountDataRow[];
}

const ALWAYS_TOLD = ['join', 'leave'];
/** So that who is in hundreds of rooms takes neither all connections nor all memory. */
const ROOMS_AT_ONCE = 50;
/** Answers of more rooms than that, whole: when hundreds log in at once, their answers take turns, each soon done from warm memory. */
const LARGE_ANSWERS_AT_ONCE = 4;
/** Who would come behind so many asks again later. */
const MOST_WAITING = 1_000;

const IN_ROOM = new Set(['join', 'invite', 'knock']);

type Section = 'join' | 'invite' | 'knock' | 'leave';
type Entry = readonly [roomId: string, text: string];
type Sections = Record<Section, Entry[]>;

/**
 * Answers /sync: at once when something happened since the client's token, else as soon as it does.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
 */
export class SyncService {
  readonly #large = pLimit(LARGE_ANSWERS_AT_ONCE);

  constructor(private readonly deps: SyncDependencies) {}

  /** The answer as JSON text. */
  sync(request: SyncRequest): Promise<string> {
    return this.deps.feed.use(async () => {
      const isLarge = isWhole(request) && (await this.deps.users.get(request.userId)).rooms.size > ROOMS_AT_ONCE;
      if (!isLarge) return this.#answer(request);
      if (this.#large.pendingCount >= MOST_WAITING) {
        throw new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many log in at once', { retry_after_ms: 10_000 });
      }
      // Whoever has gone away while they waited for their turn is told nothing.
      return this.#large(() => (request.gone?.aborted ? emptyAnswer(request.since ?? 0) : this.#answer(request)));
    });
  }

  async #answer(asked: SyncRequest): Promise<string> {
    const { feed, announcements, typing, inbox } = this.deps;
    const { timeoutMs, signal } = asked;
    const deadline = performance.now() + timeoutMs;
    this.deps.sent.received(`${asked.userId} ${asked.deviceId}`, asked.since);
    if (asked.since === undefined || timeoutMs === 0) await announcements.settledFor(await this.#reader(asked));
    const { timesTakenBack } = feed;
    // Up to where there was nothing to tell.
    let lookedAt = asked.since ?? 0;
    for (;;) {
      await typing.settled();
      // While it waited, the feed may have started afresh, with new views.
      const user = await this.#userOf(asked);
      const upTo = feed.position;
      const { wakes } = user;
      const request = feed.timesTakenBack === timesTakenBack ? asOf(asked, upTo) : anew(asked);
      const all = isWhole(request);
      await inbox.received(user, request);
      if (all || user.hasNews(lookedAt) || inbox.hasNews(user, request)) {
        const assembled = this.deps.assembling.startTimer({ of: all ? 'everything' : 'news' });
        const text = await this.#assemble(request, user, upTo, all ? user.rooms.values() : user.changedRooms(lookedAt));
        assembled();
        if (text !== undefined || all) return text ?? emptyAnswer(upTo);
        lookedAt = upTo;
      }
      const left = deadline - performance.now();
      if (left <= 0 || signal.aborted) return emptyAnswer(upTo);
      // What happened meanwhile to others is no reason to look again.
      if (user.wakes === wakes) await this.#wait(user, left, signal);
    }
  }

  /** Whoever asks, as announcements concern them. */
  async #reader({ userId }: SyncRequest): Promise<AwaitingReader> {
    const { users } = this.deps;
    const user = await users.get(userId);
    const isIn = (roomId: string) => IN_ROOM.has(users.membershipIn(user, roomId)?.membership ?? 'leave');
    return { userId, isIn };
  }

  async #wait(user: UserView, milliseconds: number, signal: AbortSignal): Promise<void> {
    const { waiting } = this.deps;
    waiting.inc();
    await user.wait(milliseconds, signal).finally(() => waiting.dec());
  }

  /** The user as the feed keeps them up to date, which has come as far as they know. */
  async #userOf({ userId, since }: SyncRequest): Promise<UserView> {
    const { feed, users } = this.deps;
    for (;;) {
      const user = await users.get(userId);
      await feed.reach(Math.max(since ?? 0, user.reached, user.inboxes.reached));
      if (users.has(user)) return user;
    }
  }

  /** The answer for everything up to a position, of rooms that may have changed; undefined when there is nothing to tell. */
  async #assemble(
    request: SyncRequest,
    user: UserView,
    upTo: number,
    rooms: Iterable<RoomMembership>,
  ): Promise<string | undefined> {
    const { since } = request;
    const delivery = this.deps.deliveries.begin(since);
    const erased = await this.deps.erased.known();
    const refusesInvitesOf = (userId: string) => user.inviteRules.verdict(userId) !== 'allow';
    const window: Window = {
      ...{ request, since, upTo, now: Date.now(), ignored: user.ignored, erased, refusesInvitesOf, delivery },
    };
    // As of `upTo`: while the parts are gathered, the feed goes on.
    const snapshot = Array.from(rooms, snapshotOf);
    const wanted = snapshot.filter(({ room }) => request.filter.room.allowsRoom(room.record.roomId));
    const [accountData, forgotten, ephemeral, messages, lists, presence] = await Promise.all([
      this.#accountData(user, since ?? 0, upTo),
      this.#forgotten(request),
      this.deps.ephemeral.read(window, wanted),
      this.deps.inbox.read(user, request, upTo),
      this.deps.deviceLists.read(user, window, snapshot),
      this.deps.presence.read(user, window, snapshot),
    ]);
    const ofRooms = Map.groupBy(accountData, ({ roomId }) => roomId);
    const sections: Sections = { join: [], invite: [], knock: [], leave: [] };
    const memberships = wanted.filter(({ room, position }) => (forgotten?.get(room.record.nid) ?? 0) < position);
    const { unreadThreadNotifications: byThread } = request.filter.room.timeline;
    const asideOf = (membership: RoomMembership): RoomAside => ({
      accountData: ofRooms.get(membership.room.record.roomId) ?? [],
      ephemeral: ephemeral.get(membership.room.record.nid) ?? [],
      hasRead: since !== undefined && membership.marks.position > since,
      unread: async (view) => unreadText(await this.deps.unread.count(user, membership, view, upTo), byThread),
    });
    await forEachAtMost(memberships, ROOMS_AT_ONCE, (membership) =>
      this.#addRoom(sections, window, membership, asideOf(membership)),
    );
    const shown = shownAccountData(user.userId, accountData, {
      ...{ isInitial: since === undefined, rules: this.deps.rules },
    });
    const global = accountDataFor(request.filter.accountData, shown);
    const aside = [messages.text, lists, presence].filter((text) => text !== undefined);
    const nothing =
      global.length + aside.length === 0 && Object.values(sections).every((entries) => entries.length === 0);
    if (nothing) return undefined;
    delivery?.end();
    const parts = [
      `"next_batch":"${formatSyncToken({ position: upTo, messages: messages.upTo })}"`,
      `"account_data":{"events":[${global.map(accountDataText).join(',')}]}`,
      `"rooms":${sectionsText(sections)}`,
      ...aside,
    ];
    return `{${concatenated(parts)}}`;
  }

  /** Where all left rooms are asked for, those that were forgotten are not meant. */
  async #forgotten({ userId, since, fullState, filter }: SyncRequest) {
    const all = filter.room.includeLeave && (since === undefined || fullState);
    return all ? this.deps.model.forgotten(userId) : undefined;
  }

  async #accountData(user: UserView, since: number, upTo: number): Promise<AccountDataRow[]> {
    if (user.accountDataPosition <= since) return [];
    const rows = await this.deps.model.accountData(user.userId, since, upTo);
    return since === 0 ? rows.filter((row) => !isDeleted(row)) : rows;
  }

  async #addRoom(sections: Sections, window: Window, membership: RoomMembership, aside: RoomAside): Promise<void> {
    const { record } = membership.room;
    const section = sectionOf(membership.membership);
    if (!this.#concerns(window, membership, section, aside)) return;
    const text = await this.#roomText(window, membership, section, aside);
    if (text !== undefined) sections[section].push([record.roomId, text]);
  }

  /** Whether a room can have anything to tell, by what is known without loading it. */
  #concerns(
    { since, request }: Window,
    { membership, position, room }: RoomMembership,
    section: Section,
    aside: RoomAside,
  ) {
    if (section === 'join') {
      const news = aside.accountData.length + aside.ephemeral.length > 0 || aside.hasRead;
      return since === undefined || request.fullState || room.position > since || position > since || news;
    }
    if (section !== 'leave') return since === undefined || position > since || request.fullState;
    const includeLeave = request.filter.room.includeLeave && (since === undefined || request.fullState);
    // A ban is worth telling, also to who was not there.
    return membership !== '' && (includeLeave || (since !== undefined && position > since));
  }

  async #roomText(
    window: Window,
    membership: RoomMembership,
    section: Section,
    aside: RoomAside,
  ): Promise<string | undefined> {
    const { position, room } = membership;
    if (section === 'invite' || section === 'knock') return this.#strippedText(window, membership, section);
    if (membership.strippedState !== undefined) return declinedRoomAnswer(this.deps, window, membership);
    const view = await this.deps.rooms.get(room.record);
    if (section === 'join' && view.wholeFrom > window.upTo && !window.request.filter.room.state.lazyLoadMembers) {
      // They would take the few members that are known for all.
      return undefined;
    }
    if (section === 'join' && isQuiet(window, membership, aside)) return quietRoomAnswer(window, aside, view);
    if (section === 'join') return roomAnswer(this.deps, { ...window, ...aside, view, membership }, 'join');
    const upTo = Math.min(position, window.upTo);
    return roomAnswer(this.deps, { ...window, ...aside, view, membership, upTo }, 'leave');
  }

  async #strippedText({ ignored, refusesInvitesOf }: Window, membership: RoomMembership, section: 'invite' | 'knock') {
    const own = await ownMemberEvent(this.deps, membership);
    const isUnwanted = (inviter: string) => ignored.has(inviter) || refusesInvitesOf(inviter);
    if (section === 'invite' && own !== undefined && isUnwanted(own.text.sender)) return undefined;
    const state =
      membership.strippedState === undefined
        ? await strippedStateOf(this.deps, await this.deps.rooms.get(membership.room.record), own, membership)
        : toldState(membership.strippedState, own);
    return strippedRoomText(state, section);
  }
}

/**
 * The request as of a position. A token from beyond it was handed out before the database was taken back to an earlier
 * state: what its client has seen since is not there any more, and what comes next comes at the same positions. So the client
 * begins anew.
 */
function asOf(request: SyncRequest, upTo: number): SyncRequest {
  return request.since !== undefined && request.since > upTo ? anew(request) : request;
}

/** Whether it asks for everything, not only for what is new. */
function isWhole({ since, fullState }: SyncRequest): boolean {
  return since === undefined || fullState;
}

function anew(request: SyncRequest): SyncRequest {
  return { ...request, since: undefined, messagesSince: undefined };
}

/** Whether nothing was sent in a room that the client knows, so that nobody needs to look for it. */
function isQuiet({ since, request }: Window, { position, room }: RoomMembership, { accountData }: RoomAside): boolean {
  if (since === undefined || request.fullState || accountData.length > 0) return false;
  return room.position <= since && position <= since;
}

function sectionOf(membership: string): Section {
  return membership === 'join' || membership === 'invite' || membership === 'knock' ? membership : 'leave';
}

function sectionsText(sections: Sections): string {
  // Of rooms that they are not in, nothing is said where there are none: some clients take their names for news.
  const told = Object.entries(sections).filter(([section, { length }]) => length > 0 || ALWAYS_TOLD.includes(section));
  const texts = told.map(([section, entries]) => `"${section}":{${entriesText(entries)}}`);
  return `{${concatenated(texts)}}`;
}

function entriesText(entries: readonly Entry[]): string {
  return concatenated(entries.map(([roomId, text]) => `${JSON.stringify(roomId)}:${text}`));
}

function emptyAnswer(upTo: number): string {
  return `{"next_batch":"${formatToken(upTo)}","rooms":{"join":{},"leave":{}}}`;
}
