import { partsOf } from '@ganglion/contracts';
import type { CompiledRoomEventFilter } from '@ganglion/protocol';
import { forEachAtMost } from '../at-most.js';
import type { RoomAccess } from '../history/room-access.js';
import type { RelationModel } from '../ports/relation-model.js';
import type { Match, MatchPlace, SearchModel, SearchRequest } from '../ports/search-model.js';
import { relatedOnly } from '../relations/related-only.js';
import { erasedSenders } from '../texts/erased-senders.js';
import type { EventTexts } from '../texts/event-texts.js';
import { showEvents } from '../texts/shown-events.js';
import { filterable, isErasedFor, type TimelineEvent } from '../timeline-event.js';
import type { SearchedRooms } from './searched-rooms.js';

/** An event that was found, in a room that its reader may look into. */
export interface FoundEvent {
  readonly event: TimelineEvent;
  readonly access: RoomAccess;
  readonly match: Match;
}

export interface FoundEventsDependencies {
  readonly search: Pick<SearchModel, 'search' | 'places'>;
  readonly texts: EventTexts;
  readonly relations: Pick<RelationModel, 'related'>;
}

export interface FoundEventsQuery extends Omit<SearchRequest, 'rooms'> {
  readonly filter: CompiledRoomEventFilter;
  readonly ignored: ReadonlySet<string>;
}

/** Matches that are looked at together. */
const PAGE = 100;
const ROOMS_AT_ONCE = 8;
/** What a reader may not see costs as much as what they may. */
const LONGEST_MS = 1_500;

/** What becomes of a walk through the matches. */
export interface Walked {
  readonly found: readonly FoundEvent[];
  /** Of results that were seen, beyond those that were wanted, too. */
  readonly count: number;
  /** Where the next page goes on; undefined where there is none. */
  readonly next: (Pick<SearchRequest, 'top'> & { readonly after: MatchPlace }) | undefined;
}

/** Walks through what matches, in its order, until there are so many events that the reader may see. */
export async function findEvents(
  deps: FoundEventsDependencies,
  query: FoundEventsQuery,
  rooms: SearchedRooms,
  limit: number,
): Promise<Walked> {
  const found: FoundEvent[] = [];
  let count = 0;
  /** Of the last one that was found. */
  let reached: Walked['next'];
  const deadline = performance.now() + LONGEST_MS;
  const { filter: _, ignored: __, ...request } = { ...query, rooms: rooms.sized };
  for (let at: Pick<SearchRequest, 'top' | 'after'> | undefined = query; at !== undefined; ) {
    const { top }: Pick<SearchRequest, 'top'> = at;
    const { matches, below } = await deps.search.search({ ...request, ...at });
    for (const part of partsOf(matches, PAGE)) {
      for (const event of await visible(deps, query, rooms, part)) {
        count += 1;
        if (found.length === limit) continue;
        found.push(event);
        reached = { top, after: event.match };
      }
      if (count > limit) return { found, count, next: reached };
      if (performance.now() > deadline) {
        return { found, count, next: found.length === limit ? reached : { top, after: part.at(-1)! } };
      }
    }
    at = below && { top: below, after: undefined };
  }
  // A full page says that there may be more: whether there is, only who asks for it is told.
  return { found, count, next: found.length === limit ? reached : undefined };
}

interface InRoom {
  readonly access: RoomAccess;
  readonly byPlace: ReadonlyMap<number, TimelineEvent>;
  readonly byNid: ReadonlyMap<number, TimelineEvent>;
}

/** Of some matches those that the reader may see, in their order. */
async function visible(
  deps: FoundEventsDependencies,
  { filter, ignored }: FoundEventsQuery,
  rooms: SearchedRooms,
  matches: readonly Match[],
): Promise<FoundEvent[]> {
  const places = Map.groupBy(await deps.search.places(matches), ({ roomNid }) => roomNid);
  const events = new Map<number, InRoom>();
  const edits = new Set(matches.map(({ editNid }) => editNid));
  await forEachAtMost([...places], ROOMS_AT_ONCE, async ([nid, ofRoom]) => {
    const access = await rooms.access(nid);
    if (access === undefined) return;
    const all = await showEvents(deps.texts, access.room, ofRoom);
    const isRelated = await relatedOnly(deps.relations, filter, { roomNid: nid, upTo: access.upTo }, all);
    const shown = all.filter((event) => isRelated(event) || edits.has(event.place.eventNid));
    const byPlace = new Map(shown.map((event) => [event.place.position, event]));
    events.set(nid, { access, byPlace, byNid: new Map(shown.map((event) => [event.place.eventNid, event])) });
  });
  return matches.flatMap((match) => {
    const room = events.get(match.roomNid);
    const event = room?.byPlace.get(match.position);
    if (room === undefined || event === undefined || !maySee(event, room.access)) return [];
    if (event.text.stateKey === undefined && ignored.has(event.text.sender)) return [];
    // The words are those of the edit: who may not see it must not learn that they are there.
    const edit = match.editNid === undefined ? event : room.byNid.get(match.editNid);
    if (edit === undefined || !maySee(edit, room.access) || !filter.allows(filterable(event))) return [];
    return { event, access: room.access, match };
  });
}

function maySee(event: TimelineEvent, { history, upTo, room, erased }: RoomAccess): boolean {
  const { text, place, redaction } = event;
  // Whoever gets it redacted must not learn by which words it is found.
  if (
    isErasedFor(
      text,
      place,
      erasedSenders(erased, room, (at) => history.atEvent(at)),
    )
  )
    return false;
  if (redaction !== undefined || text.redactedByNid !== undefined || place.position > upTo) return false;
  return history.maySee(event);
}
