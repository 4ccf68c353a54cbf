import type { CompiledRoomEventFilter } from '@ganglion/protocol';
import type { ReadModel } from './ports.js';
import type { RoomView } from './room-view.js';
import type { TimelineEvent } from './timeline-event.js';

export interface TimelineQuery {
  readonly view: RoomView;
  /** Events above this position; undefined for as far back as the limit goes. */
  readonly since: number | undefined;
  readonly upTo: number;
  readonly filter: CompiledRoomEventFilter;
  /** Whether the viewer may and wants to see the event. */
  readonly shows: (event: TimelineEvent) => boolean;
}

export interface Timeline {
  /** Oldest first. */
  readonly events: readonly TimelineEvent[];
  /** Whether events were left out between `since` and the first of these. */
  readonly limited: boolean;
  /** Everything the client does not get lies at or below this position, or at or below `since`. */
  readonly start: number;
}

/** A filter that lets little through must not make one answer read all of a room. */
const MAX_SCANNED = 2_000;

/** The last events of a room that pass, at most as many as the filter's limit. */
export async function readTimeline(model: ReadModel, query: TimelineQuery): Promise<Timeline> {
  const { view, filter, upTo } = query;
  const floor = query.since ?? 0;
  const found: TimelineEvent[] = [];
  let scannedTo = upTo;
  for (let scanned = 0; scanned < MAX_SCANNED && scannedTo > floor; ) {
    const page = await pageBelow(model, view, floor, scannedTo);
    for (const event of page) {
      if (passes(query, event)) {
        if (found.length === filter.limit) return limitedAt(found, event.position);
        found.push(event);
      }
      scannedTo = event.position - 1;
    }
    scanned += page.length;
    if (page.length === 0) scannedTo = floor;
  }
  const start = Math.max(floor, Math.min(scannedTo, (found.at(-1)?.position ?? upTo + 1) - 1));
  return { events: found.reverse(), limited: scannedTo > floor, start: found.length === 0 ? upTo : start };
}

function limitedAt(found: TimelineEvent[], position: number): Timeline {
  const first = found.at(-1);
  return { events: found.reverse(), limited: true, start: first === undefined ? position : first.position - 1 };
}

function passes({ filter, shows }: TimelineQuery, event: TimelineEvent): boolean {
  return filter.allows(filterable(event)) && shows(event);
}

/** An event as filters look at it; its content is parsed only if one of them asks. */
export function filterable(event: TimelineEvent) {
  return {
    type: event.type,
    sender: event.sender,
    get content(): unknown {
      return JSON.parse(event.json).content;
    },
  };
}

/** Events below a position, newest first: from memory as far as it reaches, then from the database. */
async function pageBelow(model: ReadModel, view: RoomView, above: number, upTo: number): Promise<TimelineEvent[]> {
  const inMemory = view.between(Math.max(above, view.windowStart), upTo);
  if (inMemory.length > 0) return inMemory.toReversed();
  if (above >= view.windowStart) return [];
  return model.events({ roomNid: view.record.nid, above, upTo, direction: 'backwards', limit: 200 });
}
