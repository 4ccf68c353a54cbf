import { isMatrixError, MatrixError } from '@ganglion/contracts';
import type { CompiledRoomEventFilter } from '@ganglion/protocol';
import type { Announcements } from '../feed/announcements.js';
import type { LiveFeed } from '../feed/live-feed.js';
import type { Page, ReadModel } from '../ports/read-model.js';
import { formatToken } from '../sync-token.js';
import { eventText, filterable, type TimelineEvent, type Viewer } from '../timeline-event.js';
import { stateAt } from '../views/past-state.js';
import type { RoomViews } from '../views/room-views.js';
import type { UserViews } from '../views/user-views.js';
import { accessRoom, forgetRoom, type RoomAccess } from './room-access.js';

export interface HistoryDependencies {
  readonly feed: LiveFeed;
  readonly model: ReadModel;
  readonly rooms: RoomViews;
  readonly users: UserViews;
  readonly announcements: Announcements;
}

export interface Reader {
  readonly userId: string;
  readonly deviceId: string;
}

export interface MessagesRequest extends Reader {
  readonly roomId: string;
  readonly direction: 'forwards' | 'backwards';
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly limit: number;
  readonly filter: CompiledRoomEventFilter;
}

export interface ContextRequest extends Reader {
  readonly roomId: string;
  readonly eventId: string;
  readonly limit: number;
  readonly filter: CompiledRoomEventFilter;
}

export interface MembersRequest extends Reader {
  readonly roomId: string;
  readonly at: number | undefined;
  readonly membership: string | undefined;
  readonly notMembership: string | undefined;
}

interface Found {
  readonly events: TimelineEvent[];
  /** Where the next page begins; undefined when there is nothing more. */
  readonly next: number | undefined;
}

const SCAN_PAGE = 200;
const MAX_SCANNED = 5_000;

/** Answers what clients ask about the past of one room, as JSON text. */
export class RoomHistory {
  constructor(private readonly deps: HistoryDependencies) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages */
  messages(request: MessagesRequest): Promise<string> {
    return this.#with(request, async (access) => {
      const backwards = request.direction === 'backwards';
      const from = Math.min(request.from ?? (backwards ? access.upTo : 0), backwards ? access.upTo : Infinity);
      const limit = Math.min(request.limit, request.filter.limit);
      const found = await this.#scan(access, request, from, request.direction, limit, request.to);
      const viewer = viewerOf(access, request);
      const state = await this.#members(access, request.filter, found.events);
      const parts = [
        `"chunk":${eventsText(found.events, viewer)}`,
        `"start":"${formatToken(request.from ?? from)}"`,
        ...(found.next === undefined ? [] : [`"end":"${formatToken(found.next)}"`]),
        ...(state.length === 0 ? [] : [`"state":${eventsText(state, viewer)}`]),
      ];
      return `{${parts.join(',')}}`;
    });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomideventeventid */
  async getOneRoomEvent(request: Reader & { roomId: string; eventId: string }): Promise<string> {
    const read = this.#with(request, async (access) => {
      const event = await this.#visibleEvent(access, request.eventId);
      return eventText(event, viewerOf(access, request));
    });
    return read.catch((error: unknown) => {
      // Whether it is the event or the room that one may not see makes no difference here.
      throw isMatrixError(error) && error.errcode === 'M_FORBIDDEN' ? noSuchEvent() : error;
    });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidcontexteventid */
  getEventContext(request: ContextRequest): Promise<string> {
    return this.#with(request, async (access) => {
      const event = await this.#visibleEvent(access, request.eventId);
      const limit = Math.min(request.limit, request.filter.limit);
      const half = Math.ceil(limit / 2);
      const before = await this.#scan(access, request, event.position - 1, 'backwards', half);
      const after = await this.#scan(access, request, event.position, 'forwards', limit - half);
      const last = after.events.at(-1) ?? event;
      const mentioned = [...before.events, event, ...after.events];
      const viewer = viewerOf(access, request);
      const state = await this.#stateWith(access, request.filter, mentioned, last.position);
      const parts = [
        `"event":${eventText(event, viewer)}`,
        `"events_before":${eventsText(before.events, viewer)}`,
        `"events_after":${eventsText(after.events, viewer)}`,
        `"state":${eventsText(state, viewer)}`,
        `"start":"${formatToken((before.events.at(-1) ?? event).position - 1)}"`,
        `"end":"${formatToken(last.position)}"`,
      ];
      return `{${parts.join(',')}}`;
    });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmembers */
  getMembersByRoom(request: MembersRequest): Promise<string> {
    return this.#with(request, async (access) => {
      // A token from before the reader came stands for when they came.
      const at = Math.min(Math.max(request.at ?? access.stateUpTo, access.history.begins), access.stateUpTo);
      const view = await this.deps.rooms.get(access.room);
      const members = (await stateAt(this.deps.model, view, at)).flatMap(({ type, event }) =>
        type === 'm.room.member' && event !== undefined ? [event] : [],
      );
      const { membership, notMembership } = request;
      const chosen = members.filter(
        (event) =>
          (membership === undefined || event.membership === membership) &&
          (notMembership === undefined || event.membership !== notMembership),
      );
      return `{"chunk":${eventsText(chosen, viewerOf(access, request))}}`;
    });
  }

  forgetRoom({ roomId, userId }: { roomId: string; userId: string }): Promise<void> {
    const { feed, announcements, model } = this.deps;
    return feed.use(async () => {
      await announcements.settled(roomId);
      await forgetRoom(model, roomId, userId);
    });
  }

  /** Runs on a feed that has what the reader has written, in a room that they may look into. */
  #with<T>(
    request: Reader & { roomId: string; from?: number | undefined; at?: number | undefined },
    run: (access: RoomAccess) => Promise<T>,
  ): Promise<T> {
    const { feed, announcements, model } = this.deps;
    return feed.use(async () => {
      await announcements.settled(request.roomId);
      await feed.reach(Math.max(request.from ?? 0, request.at ?? 0));
      return run(await accessRoom(model, request.roomId, request.userId, feed.position));
    });
  }

  async #visibleEvent(access: RoomAccess, eventId: string): Promise<TimelineEvent> {
    const event = await this.deps.model.findEvent(eventId);
    const visible = event?.roomNid === access.room.nid && event.position <= access.upTo && access.history.maySee(event);
    if (event === undefined || !visible) throw noSuchEvent();
    return event;
  }

  /** The next events from a position that pass the filter and that the reader may see. */
  async #scan(
    access: RoomAccess,
    { userId, filter }: Reader & { filter: CompiledRoomEventFilter },
    from: number,
    direction: Page['direction'],
    limit: number,
    to?: number,
  ): Promise<Found> {
    if (!filter.allowsRoom(access.room.roomId)) return { events: [], next: undefined };
    const { ignored } = await this.deps.users.get(userId);
    const events: TimelineEvent[] = [];
    const shows = (event: TimelineEvent) =>
      filter.allows(filterable(event)) &&
      (event.stateKey !== undefined || !ignored.has(event.sender)) &&
      access.history.maySee(event);
    let next = from;
    for (let scanned = 0; scanned < MAX_SCANNED; scanned += SCAN_PAGE) {
      const page = await this.deps.model.events(pageFrom(access, direction, next, to));
      for (const event of page) {
        if (events.length === limit) return { events, next };
        if (shows(event)) events.push(event);
        next = direction === 'forwards' ? event.position : event.position - 1;
      }
      if (page.length < SCAN_PAGE) return { events, next: undefined };
    }
    return { events, next };
  }

  /** With lazy loading, the member events of those whom a page mentions. */
  async #members(access: RoomAccess, filter: CompiledRoomEventFilter, events: readonly TimelineEvent[]) {
    const latest = Math.max(...events.map(({ position }) => position));
    if (!filter.lazyLoadMembers || events.length === 0) return [];
    const senders = new Set(events.map(({ sender }) => sender));
    const view = await this.deps.rooms.get(access.room);
    const state = await stateAt(this.deps.model, view, Math.min(latest, access.stateUpTo));
    return state.flatMap(({ type, stateKey, event }) =>
      type === 'm.room.member' && senders.has(stateKey) && event !== undefined ? [event] : [],
    );
  }

  async #stateWith(
    access: RoomAccess,
    filter: CompiledRoomEventFilter,
    mentioned: readonly TimelineEvent[],
    at: number,
  ) {
    if (!filter.allowsRoom(access.room.roomId)) return [];
    const senders = new Set(mentioned.map(({ sender }) => sender));
    const view = await this.deps.rooms.get(access.room);
    const state = await stateAt(this.deps.model, view, Math.min(at, access.stateUpTo));
    return state.flatMap(({ type, stateKey, event }) => {
      const wanted = !filter.lazyLoadMembers || type !== 'm.room.member' || senders.has(stateKey);
      return wanted && event !== undefined && filter.allows(filterable(event)) ? [event] : [];
    });
  }
}

function noSuchEvent(): MatrixError {
  return new MatrixError(404, 'M_NOT_FOUND', 'There is no such event that you may see');
}

function pageFrom(
  { room, upTo }: RoomAccess,
  direction: Page['direction'],
  from: number,
  to: number | undefined,
): Page {
  const bounds =
    direction === 'backwards' ? { above: to ?? 0, upTo: from } : { above: from, upTo: Math.min(to ?? upTo, upTo) };
  return { roomNid: room.nid, ...bounds, direction, limit: SCAN_PAGE };
}

function viewerOf({ room, history }: RoomAccess, { userId, deviceId }: Reader): Viewer {
  const membershipAt = (event: TimelineEvent) => history.at(event.position);
  const maySee = (event: TimelineEvent) => history.maySee(event);
  return { userId, deviceId, now: Date.now(), membershipAt, maySee, roomId: room.roomId };
}

function eventsText(events: readonly TimelineEvent[], viewer: Viewer): string {
  return `[${events.map((event) => eventText(event, viewer)).join(',')}]`;
}
