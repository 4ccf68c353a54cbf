import { isMatrixError } from '@ganglion/contracts';
import { type CompiledRoomEventFilter, compileRoomEventFilter } from '@ganglion/protocol';
import type { EarlierHistory } from '../ports/earlier-history.js';
import { readAhead } from '../read-ahead.js';
import { relatedOnly } from '../relations/related-only.js';
import { showEvents, showState } from '../texts/shown-events.js';
import { eventsText, eventText, filterable, type ShownEvent, type TimelineEvent } from '../timeline-event.js';
import { membersAt, stateAt } from '../views/room-state.js';
import { AccompanyingState } from './accompanying-state.js';
import { depthAtTime } from './depth-at-time.js';
import type { Hole } from './earlier-history.js';
import { beginningOf, endOf, formatHistoryToken, type HistoryToken, reachOf } from './history-token.js';
import { Holes } from './holes.js';
import { memberEvents } from './member-events.js';
import { nearestToTime } from './nearest-to-time.js';
import { type HistoryDependencies, noSuchEvent, type Reader, readRoom, viewerOf, visibleEvent } from './reading.js';
import type { ContextRequest, MembersRequest, MessagesRequest, Surroundings, TimestampRequest } from './requests.js';
import { forgetRoom, type RoomAccess } from './room-access.js';
import { type Direction, nextStep, past, startOf, type Walk } from './room-walk.js';
import { wholeFrom } from './whole-rooms.js';

interface Scanned {
  readonly events: TimelineEvent[];
  /** Where the next page begins; undefined when there is nothing more. */
  readonly next: HistoryToken | undefined;
  /** Where the walk is, also when there is nothing more. */
  readonly at: HistoryToken;
  /** Where something may be missing between these events, or after the last one. */
  readonly hole: Hole | undefined;
}

/** How a page goes on: to a token; or, where there may be more that is not here, only when that is worth another look. */
type End = (scanned: Scanned) => HistoryToken | undefined;

interface Page {
  readonly roomNid: number;
  readonly text: (end: End) => string;
  readonly scanned: Scanned;
}

const FIRST_PAGE = 20;
const LARGEST_PAGE = 200;
const MAX_SCANNED = 5_000;
/** How often one request has history fetched, after the first time. */
const MOST_FETCHES = 1;

/** Answers what clients ask about the past of one room, as JSON text. */
export class RoomHistory {
  readonly #states: AccompanyingState;

  constructor(private readonly deps: HistoryDependencies & { readonly earlier: EarlierHistory }) {
    this.#states = new AccompanyingState(deps);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages */
  async messages(request: MessagesRequest): Promise<string> {
    let page = await this.#page(request);
    for (let times = 0; page.scanned.hole !== undefined; times++) {
      const found = await this.#fetch(request.roomId, page.roomNid, page.scanned.hole);
      if (found === 'pending' || found === 'unreachable') return page.text(endAfter(found));
      // Where nothing is missing any more, somebody else may have had it fetched since the page was read.
      page = await this.#page(request);
      if (found === 'nothing') return page.text(({ next }) => next);
      if (times === MOST_FETCHES) break;
    }
    return page.text(({ next, at, hole }) => (hole === undefined ? next : at));
  }

  /** Has what is missing fetched. What has come is in the database, and the feed may tell of it only in a moment. */
  async #fetch(roomId: string, roomNid: number, hole: Hole) {
    const found = await this.deps.earlier.fetch(roomId, hole);
    this.deps.tails.forget(roomNid);
    return found;
  }

  #page(request: MessagesRequest): Promise<Page> {
    return readRoom(this.deps, request, request.from, async (access) => {
      const { direction, userId, to, filter } = request;
      const ends = direction === 'backwards' ? endOf : beginningOf;
      const start = request.from === undefined ? ends(access.upTo) : startOf(request.from, direction, access);
      const limit = Math.min(request.limit, filter.limit);
      const found = await this.#scan({ access, userId, direction, to }, filter, start, limit);
      const viewer = await viewerOf(this.deps, access, request, found.events);
      const state = await this.#states.members(access, filter, found.events);
      const text = (end: HistoryToken | undefined) => {
        const parts = [
          `"chunk":${eventsText(found.events, viewer)}`,
          `"start":"${formatHistoryToken(request.from ?? start)}"`,
          ...(end === undefined ? [] : [`"end":"${formatHistoryToken(end)}"`]),
          ...(state.length === 0 ? [] : [`"state":${eventsText(state, { ...viewer, isState: true })}`]),
        ];
        return `{${parts.join(',')}}`;
      };
      return { roomNid: access.room.nid, text: (end) => text(end(found)), scanned: found };
    });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomideventeventid */
  async getOneRoomEvent(request: Reader & { roomId: string; eventId: string }): Promise<string> {
    const read = readRoom(this.deps, request, undefined, async (access) => {
      const event = await visibleEvent(this.deps, access, request);
      return eventText(event, await viewerOf(this.deps, access, request, [event]));
    });
    return read.catch((error: unknown) => {
      // Whether it is the event or the room that one may not see makes no difference here.
      throw isMatrixError(error) && error.errcode === 'M_FORBIDDEN' ? noSuchEvent() : error;
    });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidcontexteventid */
  async getEventContext(request: ContextRequest): Promise<string> {
    const context = await this.#context(request);
    if (context.hole === undefined) return context.text;
    const found = await this.#fetch(request.roomId, context.roomNid, context.hole);
    return found === 'more' ? (await this.#context(request)).text : context.text;
  }

  #context(request: ContextRequest): Promise<Pick<Page, 'roomNid'> & { text: string; hole: Hole | undefined }> {
    return readRoom(this.deps, request, undefined, async (access) => {
      const { userId, filter } = request;
      const event = await visibleEvent(this.deps, access, request);
      const limit = Math.min(request.limit, filter.limit);
      const half = Math.ceil(limit / 2);
      const walk = (direction: Direction): Walk => ({ access, userId, direction, to: undefined });
      const before = await this.#beside(event, walk('backwards'), filter, half);
      const after = await this.#beside(event, walk('forwards'), filter, limit - half);
      const mentioned = [...before.events, event, ...after.events];
      const viewer = await viewerOf(this.deps, access, request, mentioned);
      const state = await this.#states.with(access, filter, mentioned, after.last);
      const parts = [
        `"event":${eventText(event, viewer)}`,
        `"events_before":${eventsText(before.events, viewer)}`,
        `"events_after":${eventsText(after.events, viewer)}`,
        `"state":${eventsText(state, { ...viewer, isState: true })}`,
        `"start":"${before.token}"`,
        `"end":"${after.token}"`,
      ];
      return { roomNid: access.room.nid, text: `{${parts.join(',')}}`, hole: before.hole };
    });
  }

  /**
   * In pages of texts, each of them read while the one before it is sent: there may be more than memory should be filled with.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmembers
   */
  async getMembersByRoom(request: MembersRequest): Promise<AsyncIterable<readonly string[]>> {
    const earliest = await wholeFrom(this.deps, request);
    return readRoom(this.deps, request, request.at, async (access) => {
      const asked = request.at === undefined ? access.stateUpTo : positionOf(request.at);
      // A token from before the reader came stands for when they came, or learnt who is there.
      const at = Math.min(Math.max(asked, access.history.begins, earliest), access.stateUpTo);
      const { membership, notMembership } = request;
      const isWanted = (is: string) =>
        (membership === undefined && notMembership === undefined) ||
        is === membership ||
        (notMembership !== undefined && is !== notMembership);
      const viewer = { ...(await viewerOf(this.deps, access, request, [])), isState: true };
      const pages = memberEvents(this.deps, await this.deps.rooms.get(access.room), at, isWanted);
      return readAhead(pages, (events) => events.map((event) => eventText(event, viewer)));
    });
  }

  /**
   * The event that is closest to a time, of those at it or after it, or, backwards, before it.
   *
   * @throws MatrixError M_NOT_FOUND when there is none
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event
   */
  async getEventByTimestamp(request: TimestampRequest): Promise<{ event_id: string; origin_server_ts: number }> {
    const { roomId, ts, direction } = request;
    let { roomNid, found, hole } = await this.#nearest(request);
    if (hole !== undefined && found?.text.originServerTs !== ts) {
      const time = { ts, direction, knownTs: found?.text.originServerTs };
      const fetched = await this.deps.earlier.fetchNear(roomId, time, hole);
      // The feed tells of what was fetched a moment later.
      this.deps.tails.forget(roomNid);
      if (fetched === 'more') found = (await this.#nearest(request)).found;
    }
    if (found === undefined) throw noSuchEvent();
    return { event_id: found.text.eventId, origin_server_ts: found.text.originServerTs };
  }

  /** The nearest of those that there are, and where a nearer one may be missing. */
  #nearest(request: TimestampRequest) {
    return readRoom(this.deps, request, undefined, async (access) => {
      const { ts, direction, userId } = request;
      const walk: Walk = { access, userId, direction, to: undefined };
      const everything = compileRoomEventFilter({});
      const page = (at: HistoryToken) => this.#scan(walk, everything, at, FIRST_PAGE);
      const nearest = await nearestToTime(await depthAtTime(this.deps, access, userId, ts), walk, ts, page);
      return { roomNid: access.room.nid, ...nearest };
    });
  }

  /** One event of a room as its reader is shown it. */
  async shown(access: RoomAccess, reader: Reader, event: TimelineEvent): Promise<string> {
    return eventText(event, await viewerOf(this.deps, access, reader, [event]));
  }

  /** The state of a room as its reader may see it, with who is there, as getMembersByRoom gives it: in pages of texts. */
  async currentStatePages(access: RoomAccess, reader: Reader): Promise<AsyncIterable<readonly string[]>> {
    const { model, texts, rooms } = this.deps;
    const view = await rooms.get(access.room);
    const viewer = { ...(await viewerOf(this.deps, access, reader, [])), isState: true };
    const state = await showState(texts, access.room, await stateAt(model, view, access.stateUpTo));
    const pages = async function* (deps: HistoryDependencies): AsyncGenerator<readonly ShownEvent[]> {
      yield state;
      yield* memberEvents(deps, view, access.stateUpTo, isPresent);
    };
    return readAhead(pages(this.deps), (events) => events.map((event) => eventText(event, viewer)));
  }

  /** The state of a room as its reader may see it, as JSON text: with who is there if they are no more than so many, and others. */
  async currentState(access: RoomAccess, reader: Reader, members: { most: number; others: ReadonlySet<string> }) {
    const { model, texts, rooms } = this.deps;
    const view = await rooms.get(access.room);
    const state = await showState(texts, access.room, await stateAt(model, view, access.stateUpTo));
    const others = new Set(members.others);
    if (view.counts.joined + view.counts.invited <= members.most) {
      for await (const page of memberEvents(this.deps, view, access.stateUpTo, isPresent)) {
        for (const { text } of page) others.delete(text.stateKey ?? '');
        state.push(...page);
      }
    }
    const some = await membersAt(model, view, others, access.stateUpTo);
    state.push(...(await showState(texts, access.room, [...some.values()])));
    const viewer = await viewerOf(this.deps, access, reader, []);
    return eventsText(state, { ...viewer, isState: true });
  }

  /** What was said before and after an event, and by whom: `context` of a result of a search, as JSON text. */
  async surroundings(access: RoomAccess, reader: Reader, event: TimelineEvent, wanted: Surroundings): Promise<string> {
    const everything = compileRoomEventFilter({});
    const walk = (direction: Direction): Walk => ({ access, userId: reader.userId, direction, to: undefined });
    const before = await this.#beside(event, walk('backwards'), everything, wanted.beforeLimit);
    const after = await this.#beside(event, walk('forwards'), everything, wanted.afterLimit);
    const mentioned = [...before.events, event, ...after.events];
    const viewer = await viewerOf(this.deps, access, reader, mentioned);
    const profiles = wanted.includeProfile ? await this.#states.profiles(access, viewer, mentioned, event) : undefined;
    const parts = [
      ...[`"events_before":${eventsText(before.events, viewer)}`, `"events_after":${eventsText(after.events, viewer)}`],
      ...[`"start":"${before.token}"`, `"end":"${after.token}"`],
      ...(profiles === undefined ? [] : [`"profile_info":${JSON.stringify(profiles)}`]),
    ];
    return `{${parts.join(',')}}`;
  }

  forgetRoom({ roomId, userId }: { roomId: string; userId: string }): Promise<void> {
    const { feed, announcements, model } = this.deps;
    return feed.use(async () => {
      await announcements.settled(roomId);
      await forgetRoom(model, roomId, userId);
    });
  }

  /** So many of the events beside one, the token behind them, and the last of them or the event itself. */
  async #beside(event: TimelineEvent, walk: Walk, filter: CompiledRoomEventFilter, most: number) {
    const start = past(endOf(walk.access.upTo), walk, event.place);
    const { events, hole } = await this.#scan(walk, filter, start, most);
    const last = events.at(-1) ?? event;
    return { events, hole, last, token: formatHistoryToken(past(start, walk, last.place)) };
  }

  /** The next events from a place that pass the filter and that the reader may see. */
  async #scan(walk: Walk, filter: CompiledRoomEventFilter, start: HistoryToken, limit: number): Promise<Scanned> {
    const { room } = walk.access;
    const { texts } = this.deps;
    if (!filter.allowsRoom(room.roomId)) return { events: [], next: undefined, at: start, hole: undefined };
    const shows = await this.#shows(walk, filter);
    const holes = new Holes(walk, start);
    const events: TimelineEvent[] = [];
    let at = start;
    let size = Math.min(Math.max(limit + 1, FIRST_PAGE), LARGEST_PAGE);
    for (let scanned = 0; scanned < MAX_SCANNED; scanned += size, size = Math.min(2 * size, LARGEST_PAGE)) {
      const step = await nextStep(this.deps, walk, at, size);
      const shown = await showEvents(texts, room, step.places);
      const where = { roomNid: room.nid, upTo: walk.access.upTo };
      const isRelated = await relatedOnly(this.deps.relations, filter, where, shown);
      for (const event of shown) {
        if (events.length === limit) return { events, next: at, at, hole: holes.first };
        holes.pass(event);
        if (shows(event) && isRelated(event)) events.push(event);
        at = past(at, walk, event.place);
      }
      at = step.at;
      if (step.isLast) {
        return { events, next: goesOn(walk) ? liveEnd(at) : undefined, at, hole: holes.first ?? holes.atEnd() };
      }
    }
    return { events, next: at, at, hole: holes.first };
  }

  async #shows({ access, userId }: Walk, filter: CompiledRoomEventFilter) {
    const { ignored } = await this.deps.users.get(userId);
    return (event: TimelineEvent) =>
      filter.allows(filterable(event)) &&
      (event.text.stateKey !== undefined || !ignored.has(event.text.sender)) &&
      access.history.maySee(event);
  }
}

/** What could not be had now may be there when somebody asks again; who has been shown nothing would ask on and on. */
function endAfter(found: 'pending' | 'unreachable'): End {
  return ({ events, next, at }) => {
    if (next !== undefined) return next;
    return found === 'pending' || events.length > 0 ? at : undefined;
  };
}

/** Of those who have left, a room may know any number. */
function isPresent(membership: string): boolean {
  return membership === 'join' || membership === 'invite';
}

/** Whether more may come some time: the token at the live end goes on working then, and stays what it is until more comes. */
function goesOn({ access, direction, to }: Walk): boolean {
  return direction === 'forwards' && to === undefined && access.goesOn;
}

/** What comes next comes in the order of positions. */
function liveEnd(at: HistoryToken): HistoryToken {
  return { after: reachOf(at) };
}

function positionOf(token: HistoryToken): number {
  return 'after' in token ? token.after : Math.min(Math.max(token.key.position, 0), token.upTo);
}
