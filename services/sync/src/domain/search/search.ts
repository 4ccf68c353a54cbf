import { setTimeout as sleep } from 'node:timers/promises';
import type { CompiledRoomEventFilter } from '@ganglion/protocol';
import { forEachAtMost } from '../at-most.js';
import type { HistoryDependencies, Reader } from '../history/reading.js';
import type { RoomHistory } from '../history/room-history.js';
import type { SearchKey, SearchModel } from '../ports/search-model.js';
import type { WordModel } from '../ports/word-model.js';
import { type FoundEvent, findEvents, type Walked } from './found-events.js';
import { groupsOf, highlightsOf } from './search-answer.js';
import { formatSearchPlace, type SearchPlace } from './search-place.js';
import { SearchedRooms } from './searched-rooms.js';

export interface SearchQuery extends Reader {
  readonly term: string;
  readonly keys: readonly SearchKey[];
  /** Whom the filter asks for, where these are few. */
  readonly senders: readonly string[] | undefined;
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

export interface SearchDependencies extends HistoryDependencies {
  readonly search: SearchModel;
  readonly words: Pick<WordModel, 'progress'>;
  readonly history: Pick<RoomHistory, 'surroundings' | 'currentState' | 'shown'>;
  /** Tells whoever keeps the index that somebody waits for it. */
  readonly hurry: () => void;
}

const INDEX_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 20;
const RESULTS_AT_ONCE = 4;
/** Of results with what was said around them; after that they come without. */
const MAX_CHARACTERS = 4_000_000;
/** Of the state of rooms; after that it comes without members but those who have said what was found. */
const MAX_STATE_CHARACTERS = 2_000_000;
/** Of members of one room. */
const MAX_MEMBERS = 2_000;

/**
 * Finds events by their words: in rooms that the reader is in or was, what they may see of these, nothing that is encrypted or
 * redacted, and what was edited by what it says now.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-side-search
 */
export class Search {
  constructor(private readonly deps: SearchDependencies) {}

  /** `search_categories.room_events` as JSON text. */
  search(query: SearchQuery): Promise<string> {
    const { feed } = this.deps;
    return feed.use(async () => {
      const { userId, nextBatch } = query;
      const user = await this.deps.users.get(userId);
      const isIn = (roomId: string) => this.deps.users.membershipIn(user, roomId) !== undefined;
      if (nextBatch === undefined) await this.deps.announcements.settledFor({ userId, isIn });
      await feed.reach(Math.max(user.reached, nextBatch?.upTo ?? 0));
      const upTo = Math.min(nextBatch?.upTo ?? feed.position, feed.position);
      if (nextBatch === undefined) await this.#indexed(upTo);
      return this.#answer(query, upTo, await this.#find(query, upTo));
    });
  }

  /** Waits, for a while, until what the reader has seen or said can be found. */
  async #indexed(upTo: number): Promise<void> {
    const { words, hurry } = this.deps;
    const deadline = performance.now() + INDEX_WITHIN_MS;
    for (let isFirst = true; performance.now() < deadline; isFirst = false) {
      if ((await words.progress()).upTo >= upTo) return;
      if (isFirst) hurry();
      await sleep(LOOK_EVERY_MS);
    }
  }

  async #find({ userId, filter, limit, nextBatch, ...query }: SearchQuery, upTo: number): Promise<Walked> {
    const rooms = await SearchedRooms.of(this.deps, userId, filter, upTo);
    if (rooms.sized.length === 0 || limit === 0) return { found: [], count: 0, next: undefined };
    const { ignored } = await this.deps.users.get(userId);
    const { top = { position: upTo + 1, roomNid: 0 }, after } = nextBatch ?? {};
    return findEvents(this.deps, { ...query, filter, ignored, upTo, top, after }, rooms, limit);
  }

  async #answer(query: SearchQuery, upTo: number, { found, count, next }: Walked): Promise<string> {
    const results = await this.#results(query, found);
    const before = query.nextBatch?.count ?? 0;
    const parts = [
      `"count":${before + count}`,
      `"highlights":${JSON.stringify(highlightsOf(query.term))}`,
      `"results":[${results.join(',')}]`,
      `"groups":${JSON.stringify(groupsOf(query.groupBy, found))}`,
      ...(query.includeState ? [`"state":${await this.#stateText(query, found)}`] : []),
      ...(next === undefined
        ? []
        : [`"next_batch":"${formatSearchPlace({ ...next, upTo, count: before + found.length })}"`]),
    ];
    return `{"search_categories":{"room_events":{${parts.join(',')}}}}`;
  }

  async #results(query: SearchQuery, found: readonly FoundEvent[]): Promise<string[]> {
    const results: string[] = [];
    let characters = 0;
    await forEachAtMost([...found.entries()], RESULTS_AT_ONCE, async ([index, one]) => {
      const context = characters > MAX_CHARACTERS ? undefined : query.context;
      const text = await this.#resultText({ ...query, context }, one);
      characters += text.length;
      results[index] = text;
    });
    return results;
  }

  async #resultText(query: SearchQuery, { event, access, match }: FoundEvent): Promise<string> {
    const { history } = this.deps;
    const result = `"rank":${match.rank},"result":${await history.shown(access, query, event)}`;
    if (query.context === undefined) return `{${result}}`;
    const context = await history.surroundings(access, query, event, query.context);
    return `{${result},"context":${context}}`;
  }

  async #stateText(query: SearchQuery, found: readonly FoundEvent[]): Promise<string> {
    const texts: string[] = [];
    let characters = 0;
    for (const ofRoom of Map.groupBy(found, ({ access }) => access.room.nid).values()) {
      const { access } = ofRoom[0]!;
      const senders = new Set(ofRoom.map(({ event }) => event.text.sender));
      const most = characters > MAX_STATE_CHARACTERS ? 0 : MAX_MEMBERS;
      const text = await this.deps.history.currentState(access, query, { most, others: senders });
      characters += text.length;
      texts.push(`${JSON.stringify(access.room.roomId)}:${text}`);
    }
    return `{${texts.join(',')}}`;
  }
}
