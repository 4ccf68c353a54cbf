import type { CompiledRoomEventFilter } from '@ganglion/protocol';
import type { ReadModel } from '../ports/read-model.js';
import type { RelationModel } from '../ports/relation-model.js';
import { relatedOnly } from '../relations/related-only.js';
import type { EventTexts } from '../texts/event-texts.js';
import { showEvents } from '../texts/shown-events.js';
import { type EventPlace, filterable, type TimelineEvent } from '../timeline-event.js';
import type { RoomView } from '../views/room-view.js';

interface TimelineReaders {
  readonly model: ReadModel;
  readonly texts: EventTexts;
  readonly relations: Pick<RelationModel, 'related'>;
}

export interface TimelineQuery {
  readonly view: RoomView;
  /** Events above this position; undefined for as far back as the limit goes. */
  readonly since: number | undefined;
  readonly upTo: number;
  readonly filter: CompiledRoomEventFilter;
  /** Whether the viewer may see the event. */
  readonly maySee: (event: TimelineEvent) => boolean;
  /** Of state events that they may not see as such, those that they are told anyway: they stand in the state. */
  readonly standing: (events: readonly TimelineEvent[]) => Promise<ReadonlySet<number>>;
  /** Whether the viewer wants to see an event that they may see. */
  readonly shows: (event: TimelineEvent) => boolean;
}

export interface Timeline {
  /** Oldest first. */
  readonly events: readonly TimelineEvent[];
  /** Whether events were left out between `since` and the first of these. */
  readonly limited: boolean;
  /** Just before the first event: everything that the client does not get lies at or below this position. */
  readonly start: number;
  /** How far back was looked. */
  readonly lookedBackTo: number;
}

/** A filter that lets little through must not make one answer read all of a room. */
const MAX_SCANNED = 2_000;
const MIN_PAGE = 10;
const MAX_PAGE = 200;

/**
 * The last events of a room that pass, at most as many as the filter's limit. They go back no further than to a state event
 * that the viewer may not see, and that something else has replaced since: what they see of the state before it would be
 * taken for what came after. Those that still stand in the state are no secret, and come in their place.
 */
export async function readTimeline(readers: TimelineReaders, query: TimelineQuery): Promise<Timeline> {
  const { view, filter, upTo } = query;
  const floor = query.since ?? 0;
  const found: TimelineEvent[] = [];
  let scannedTo = upTo;
  const isAfterGap = gapsOf(view, upTo);
  for (let scanned = 0; scanned < MAX_SCANNED && scannedTo > floor; ) {
    const places = await pageBelow(readers.model, view, floor, scannedTo, filter.limit - found.length);
    const events = await showEvents(readers.texts, view.record, places);
    const hidden = events.filter((event) => event.text.stateKey !== undefined && !query.maySee(event));
    const where = { roomNid: view.record.nid, upTo };
    const isRelated = await relatedOnly(readers.relations, filter, where, events);
    const standing = hidden.length === 0 ? undefined : await query.standing(hidden);
    for (const event of events) {
      const { position } = event.place;
      const visible = query.maySee(event) || standing?.has(event.text.eventNid);
      if (!visible && event.text.stateKey !== undefined && found.length > 0)
        return timelineOf(found, position, position, true);
      if (visible && passes(query, event) && isRelated(event)) {
        if (found.length === filter.limit) return timelineOf(found, position, position, true);
        found.push(event);
      }
      if (found.length > 0 && isAfterGap(event.place)) return timelineOf(found, position, position, true);
    }
    scannedTo = (places.at(-1)?.position ?? floor + 1) - 1;
    scanned += places.length;
  }
  return timelineOf(found, upTo, scannedTo, scannedTo > floor);
}

/**
 * Whether something is missing before an event, as far as the room is in memory: each is one deeper than what it follows, and of
 * all that came before it nothing is as deep as that. What was said before a gap would be taken for what came just before.
 */
function gapsOf(view: RoomView, upTo: number): (place: EventPlace) => boolean {
  const afterGaps = new Set<number>();
  let deepest: number | undefined;
  for (const { position, depth } of view.between(view.windowStart, upTo)) {
    if (deepest !== undefined && depth - deepest > 1) afterGaps.add(position);
    deepest = Math.max(deepest ?? 0, depth);
  }
  return ({ position }) => afterGaps.has(position);
}

function timelineOf(found: TimelineEvent[], end: number, lookedBackTo: number, limited: boolean): Timeline {
  const first = found.at(-1);
  return {
    events: found.reverse(),
    limited,
    start: first === undefined ? end : first.place.position - 1,
    lookedBackTo,
  };
}

function passes({ filter, shows }: TimelineQuery, event: TimelineEvent): boolean {
  return filter.allows(filterable(event)) && shows(event);
}

/**
 * Events below a position, newest first: from memory as far as it reaches, then from the database. Not many more than are
 * wanted, as each costs its text.
 */
async function pageBelow(
  model: ReadModel,
  view: RoomView,
  above: number,
  upTo: number,
  wanted: number,
): Promise<readonly EventPlace[]> {
  const limit = Math.max(MIN_PAGE, Math.min(MAX_PAGE, wanted + 1));
  const inMemory = view.between(Math.max(above, view.windowStart), upTo);
  if (inMemory.length > 0) return inMemory.slice(-limit).reverse();
  if (above >= view.windowStart) return [];
  return model.events({ roomNid: view.record.nid, above, upTo, direction: 'backwards', limit });
}
