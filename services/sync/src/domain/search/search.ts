import { setTimeout as sleep } from 'node:timers/promises';
import { MatrixError } from '@ganglion/contracts';
import type { CompiledRoomEventFilter } from '@ganglion/protocol';
import type { HistoryDependencies, Reader } from '../history/reading.js';
import { accessRoom, type RoomAccess } from '../history/room-access.js';
import type { RoomHistory } from '../history/room-history.js';
import type { Match, SearchKey, SearchModel } from '../ports/search-model.js';
import { showEvents } from '../texts/shown-events.js';
import { filterable, type TimelineEvent } from '../timeline-event.js';

export interface SearchQuery extends Reader {
  readonly term: string;
  readonly keys: readonly SearchKey[];
  readonly orderBy: 'rank' | 'recent';
  readonly filter: CompiledRoomEventFilter;
  readonly limit: number;
  readonly nextBatch: SearchPlace | undefined;
  readonly context: SearchContext | undefined;
  readonly includeState: boolean;
  readonly groupBy: readonly ('room_id' | 'sender')[];
}

export interface SearchContext {
  readonly beforeLimit: number;
  readonly afterLimit: number;
  readonly includeProfile: boolean;
}

/**
 * Where a page begins among the results that there were when the first one was asked for. Only what the reader may see is
 * counted: how much else there is must not be told.
 */
export interface SearchPlace {
  readonly upTo: number;
  readonly offset: number;
}

export interface SearchDependencies extends HistoryDependencies {
  readonly search: SearchModel;
  readonly history: Pick<RoomHistory, 'surroundings' | 'currentState' | 'shown'>;
  /** Tells whoever keeps the index that somebody waits for it. */
  readonly hurry: () => void;
}

/** An event that was found, in a room that its reader may look into. */
interface Found {
  readonly event: TimelineEvent;
  readonly access: RoomAccess;
  readonly rank: number;
}

const PAGE = 100;
/** Of what matches, so many may turn out not to be the reader's to see. */
const MAX_PAGES = 20;
const INDEX_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 20;
const MAX_HIGHLIGHTS = 20;
/** Of results with what was said around them; after that they come without. */
const MAX_CHARACTERS = 4_000_000;

/**
 * Finds events by their words: in rooms that the reader is in or was, what they may see of these, nothing that is encrypted or
 * redacted.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-side-search
 */
export class Search {
  constructor(private readonly deps: SearchDependencies) {}

  /** `search_categories.room_events` as JSON text. */
  search(query: SearchQuery): Promise<string> {
    const { feed } = this.deps;
    return feed.use(async () => {
      const user = await this.deps.users.get(query.userId);
      const isIn = (roomId: string) => this.deps.users.membershipIn(user, roomId) !== undefined;
      if (query.nextBatch === undefined) await this.deps.announcements.settledFor({ userId: query.userId, isIn });
      await feed.reach(Math.max(user.reached, query.nextBatch?.upTo ?? 0));
      const upTo = Math.min(query.nextBatch?.upTo ?? feed.position, feed.position);
      if (query.nextBatch === undefined) await this.#indexed(upTo);
      const accesses = await this.#rooms(query, upTo);
      const { found, offset, count } = await this.#find(query, accesses, {
        upTo,
        offset: query.nextBatch?.offset ?? 0,
      });
      const results: string[] = [];
      let characters = 0;
      for (const one of found) {
        const text = await this.#resultText(
          characters > MAX_CHARACTERS ? { ...query, context: undefined } : query,
          one,
        );
        characters += text.length;
        results.push(text);
      }
      const hasMore = found.length > 0 && count > offset;
      const parts = [
        `"count":${count}`,
        `"highlights":${JSON.stringify(highlightsOf(query.term))}`,
        `"results":[${results.join(',')}]`,
        `"groups":${JSON.stringify(groupsOf(query, found))}`,
        ...(query.includeState ? [`"state":${await this.#stateText(query, found)}`] : []),
        ...(hasMore ? [`"next_batch":"${formatSearchPlace({ upTo, offset })}"`] : []),
      ];
      return `{"search_categories":{"room_events":{${parts.join(',')}}}}`;
    });
  }

  /** Waits, for a while, until what the reader has seen or said can be found. */
  async #indexed(upTo: number): Promise<void> {
    const { search, hurry } = this.deps;
    const deadline = performance.now() + INDEX_WITHIN_MS;
    for (let isFirst = true; performance.now() < deadline; isFirst = false) {
      if ((await search.progress()).upTo >= upTo) return;
      if (isFirst) hurry();
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** The rooms to look in, by their numbers. */
  async #rooms({ userId, filter }: SearchQuery, upTo: number): Promise<Map<number, RoomAccess>> {
    const memberships = await this.deps.model.memberships(userId);
    const wanted = memberships.filter(
      ({ roomId, membership }) => ['join', 'leave', 'ban'].includes(membership) && filter.allowsRoom(roomId),
    );
    const open = new Set(await this.deps.search.unencrypted(wanted.map(({ nid }) => nid)));
    const accesses = new Map<number, RoomAccess>();
    for (const { nid, roomId } of wanted) {
      if (!open.has(nid)) continue;
      // Who was only invited, or has forgotten the room, may not look into it.
      const access = await accessRoom(this.deps, roomId, userId, upTo).catch((error: unknown) => {
        if (error instanceof MatrixError) return undefined;
        throw error;
      });
      if (access !== undefined) accesses.set(nid, access);
    }
    return accesses;
  }

  async #find(query: SearchQuery, accesses: ReadonlyMap<number, RoomAccess>, from: SearchPlace) {
    const found: Found[] = [];
    const { userId, term, keys, orderBy, limit } = query;
    /** Of results, with those of earlier pages; there may be more than were looked at. */
    let count = 0;
    const result = () => ({ found, offset: from.offset + found.length, count });
    if (accesses.size === 0 || limit === 0) return result();
    const { ignored } = await this.deps.users.get(userId);
    for (let page = 0; page < MAX_PAGES && count <= from.offset + limit; page++) {
      const request = { roomNids: [...accesses.keys()], term, keys, orderBy, upTo: from.upTo };
      const matches = await this.deps.search.search({ ...request, offset: page * PAGE, limit: PAGE });
      const events = await this.#events(accesses, matches);
      for (const { place, rank } of matches) {
        const event = events.get(place.eventNid);
        const access = accesses.get(place.roomNid);
        if (event !== undefined && access !== undefined && isShown(event, access, query.filter, ignored)) {
          count += 1;
          if (count > from.offset && found.length < limit) found.push({ event, access, rank });
        }
      }
      if (matches.length < PAGE) break;
    }
    return result();
  }

  async #events(accesses: ReadonlyMap<number, RoomAccess>, matches: readonly Match[]) {
    const events = new Map<number, TimelineEvent>();
    for (const [nid, ofRoom] of Map.groupBy(matches, ({ place }) => place.roomNid)) {
      const access = accesses.get(nid);
      if (access === undefined) continue;
      const places = ofRoom.map(({ place }) => place);
      for (const event of await showEvents(this.deps.texts, access.room, places)) {
        events.set(event.place.eventNid, event);
      }
    }
    return events;
  }

  async #resultText(query: SearchQuery, { event, access, rank }: Found): Promise<string> {
    const { history } = this.deps;
    const result = `"rank":${rank},"result":${await history.shown(access, query, event)}`;
    if (query.context === undefined) return `{${result}}`;
    const context = await history.surroundings(access, query, event, query.context);
    return `{${result},"context":${context}}`;
  }

  async #stateText(query: SearchQuery, found: readonly Found[]): Promise<string> {
    const accesses = new Map(found.map(({ access }) => [access.room.roomId, access]));
    const texts: string[] = [];
    for (const [roomId, access] of accesses) {
      texts.push(`${JSON.stringify(roomId)}:${await this.deps.history.currentState(access, query)}`);
    }
    return `{${texts.join(',')}}`;
  }
}

function isShown(
  event: TimelineEvent,
  { history, upTo }: RoomAccess,
  filter: CompiledRoomEventFilter,
  ignored: ReadonlySet<string>,
): boolean {
  const { text, place, redaction } = event;
  if (redaction !== undefined || text.redactedByNid !== undefined || place.position > upTo) return false;
  if (text.stateKey === undefined && ignored.has(text.sender)) return false;
  return filter.allows(filterable(event)) && history.maySee(event);
}

/** What to highlight: words are found as they are written. */
function highlightsOf(term: string): string[] {
  const words = term.toLowerCase().split(/[^\p{L}\p{N}_]+/u);
  return [...new Set(words.filter((word) => word !== ''))].slice(0, MAX_HIGHLIGHTS);
}

/** By key, then by its value: which of the results, and where the group stands among the others. */
function groupsOf({ groupBy }: SearchQuery, found: readonly Found[]) {
  return Object.fromEntries(
    groupBy.map((key) => {
      const groups = Map.groupBy(found, ({ event, access }) =>
        key === 'room_id' ? access.room.roomId : event.text.sender,
      );
      const told = [...groups].map(([value, members], order) => {
        return [value, { order: order + 1, results: members.map(({ event }) => event.text.eventId) }] as const;
      });
      return [key, Object.fromEntries(told)];
    }),
  );
}

function formatSearchPlace({ upTo, offset }: SearchPlace): string {
  return `f${upTo}.${offset}`;
}

/** @throws MatrixError M_INVALID_PARAM for what is not one of our tokens */
export function parseSearchPlace(token: string): SearchPlace {
  const [, upTo, offset] = /^f(\d{1,15})\.(\d{1,9})$/.exec(token)?.map(Number) ?? [];
  if (upTo === undefined || offset === undefined) {
    throw new MatrixError(400, 'M_INVALID_PARAM', `${token.slice(0, 64)} is not a token of a search`);
  }
  return { upTo, offset };
}
