import { redactEventJson, roomVersionRules } from '@ganglion/protocol';
import type { RoomRecord } from '../ports/read-model.js';
import { showEvents } from '../texts/shown-events.js';
import type { EventPlace, TimelineEvent } from '../timeline-event.js';
import { eventsText } from '../timeline-event.js';
import { formatHistoryToken, type HistoryToken, isLive } from './history-token.js';
import { type HistoryDependencies, type Reader, readRoom, viewerOf, visibleEvent } from './reading.js';
import type { RoomAccess } from './room-access.js';
import type { Direction } from './room-walk.js';

export interface RelationsRequest extends Reader {
  readonly roomId: string;
  readonly eventId: string;
  readonly relType?: string | undefined;
  readonly eventType?: string | undefined;
  readonly direction: Direction;
  readonly from?: HistoryToken | undefined;
  readonly to?: HistoryToken | undefined;
  readonly limit: number;
  /** Whether what relates to the event by way of others counts, too. */
  readonly recurse: boolean;
}

export interface ThreadsRequest extends Reader {
  readonly roomId: string;
  readonly include: 'all' | 'participated';
  readonly from?: HistoryToken | undefined;
  readonly limit: number;
}

const MAX = Number.MAX_SAFE_INTEGER;
/** How many steps from child to child are taken, as the specification wants it. */
const RECURSION_DEPTH = 3;
/** A room full of what one may not see must not make one request read all of it. */
const MAX_SCANNED = 2_000;

/** What relates to an event, and the threads of a room, as JSON text. */
export class RoomRelations {
  constructor(private readonly deps: HistoryDependencies) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidrelationseventid */
  getRelatingEvents(request: RelationsRequest): Promise<string> {
    return readRoom(this.deps, request, request.from, async (access) => {
      await visibleEvent(this.deps, access, request);
      const { direction, from, limit, recurse } = request;
      const start = from === undefined ? undefined : positionOf(from);
      const { events, next } = await this.#children(access, request, start, limit);
      const viewer = await viewerOf(this.deps, access, request, events);
      const token = (position: number) => `"${formatHistoryToken(placeAt(position, access))}"`;
      const previous = direction === 'backwards' ? undefined : start;
      const parts = [
        `"chunk":${eventsText(events, viewer)}`,
        ...(next === undefined ? [] : [`"next_batch":${token(next)}`]),
        ...(previous === undefined ? [] : [`"prev_batch":${token(previous)}`]),
        ...(recurse ? [`"recursion_depth":${RECURSION_DEPTH}`] : []),
      ];
      return `{${parts.join(',')}}`;
    });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidthreads */
  getThreadRoots(request: ThreadsRequest): Promise<string> {
    return readRoom(this.deps, request, request.from, async (access) => {
      const { from, limit } = request;
      const upTo = from === undefined ? access.upTo : Math.min(positionOf(from), access.upTo);
      const { events, next } = await this.#roots(access, request, upTo, limit);
      const viewer = await viewerOf(this.deps, access, request, events);
      const end = next === undefined ? '' : `,"next_batch":"${formatHistoryToken(placeAt(next, access))}"`;
      return `{"chunk":${eventsText(events, viewer)}${end}}`;
    });
  }

  /** The children from a place on that the reader may see; `next` is where the next page begins. */
  async #children(access: RoomAccess, request: RelationsRequest, start: number | undefined, limit: number) {
    const events: TimelineEvent[] = [];
    const isBackwards = request.direction === 'backwards';
    const { room, upTo, history } = access;
    const to = request.to === undefined ? undefined : positionOf(request.to);
    let above = isBackwards ? (to ?? -MAX) : (start ?? -MAX);
    let below = Math.min(upTo, (isBackwards ? start : to) ?? MAX);
    for (let scanned = 0; scanned < MAX_SCANNED; scanned += limit + 1) {
      const places = await this.#page(access, request, above, below, limit + 1);
      for (const event of await showEvents(this.deps.texts, room, places)) {
        const { position } = event.place;
        if (events.length === limit) return { events, next: isBackwards ? below : above };
        if (event.redaction === undefined && history.maySee(event)) events.push(event);
        if (isBackwards) below = position - 1;
        else above = position;
      }
      if (places.length <= limit) return { events, next: undefined };
    }
    return { events, next: isBackwards ? below : above };
  }

  async #page(access: RoomAccess, request: RelationsRequest, above: number, upTo: number, limit: number) {
    const { userId, eventId: parentId, relType, eventType: type, direction, recurse } = request;
    const { ignored } = await this.deps.users.get(userId);
    const page = {
      ...{ roomNid: access.room.nid, userId, ignored: [...ignored], parentId, relType, type },
      ...{ above, upTo, direction, limit, depth: recurse ? RECURSION_DEPTH : 1 },
    };
    const places: EventPlace[] = await this.deps.relations.childrenPage(page);
    return places;
  }

  /** The roots of threads, those with the newest events first. */
  async #roots(access: RoomAccess, request: ThreadsRequest, from: number, limit: number) {
    const { userId, include } = request;
    const { room, history } = access;
    const { ignored } = await this.deps.users.get(userId);
    const events: TimelineEvent[] = [];
    let upTo = from;
    for (let scanned = 0; scanned < MAX_SCANNED; scanned += limit + 1) {
      const page = { roomNid: room.nid, userId, ignored: [...ignored], upTo, limit: limit + 1 };
      const threads = await this.deps.relations.threads(page);
      for (const { rootId, position, hasParticipated } of threads) {
        if (events.length === limit) return { events, next: upTo };
        upTo = position - 1;
        const root = await this.deps.finder.find(room, rootId, userId);
        if (root === undefined || root.place.position > access.upTo || !history.maySee(root)) continue;
        const isOwn = hasParticipated || root.text.sender === userId;
        // The thread is not theirs alone: others have gone on with it.
        const shown = ignored.has(root.text.sender) ? redacted(root, room) : root;
        if (include === 'all' || isOwn) events.push(shown);
      }
      if (threads.length <= limit) return { events, next: undefined };
    }
    return { events, next: upTo };
  }
}

function redacted(event: TimelineEvent, { roomVersion }: RoomRecord): TimelineEvent {
  const json = redactEventJson(event.text.json, roomVersionRules(roomVersion)!);
  return { ...event, text: { ...event.text, json } };
}

/** Children stand in the order in which they came. */
function positionOf(token: HistoryToken): number {
  return isLive(token) ? token.after : Math.min(token.key.position, token.upTo);
}

function placeAt(position: number, { upTo }: RoomAccess): HistoryToken {
  return position >= 0 ? { after: Math.min(position, upTo) } : { key: { depth: 0, position }, upTo };
}
