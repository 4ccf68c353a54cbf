import type { EventText } from '../event-text.js';
import type { EventPlace, ShownEvent, StateVersion, TimelineEvent } from '../timeline-event.js';
import type { TextRoom, TextSource } from './event-texts.js';

/** Events with their texts, and with those of the events that they show. What has no text is left out. */
export async function showEvents(texts: TextSource, room: TextRoom, places: readonly EventPlace[]) {
  const events = places.map((place) => ({ eventNid: place.eventNid, place }));
  return (await show(texts, room, events)) as TimelineEvent[];
}

/** The events that stand in the state, as far as there are any. */
export function showState(
  texts: TextSource,
  room: TextRoom,
  versions: readonly (StateVersion | Wanted)[],
): Promise<ShownEvent[]> {
  return show(texts, room, versions as readonly Wanted[]);
}

interface Wanted {
  readonly eventNid: number | undefined;
  readonly place?: EventPlace | undefined;
}

type Get = (eventNid: number) => EventText | undefined;

async function show(texts: TextSource, room: TextRoom, events: readonly Wanted[]): Promise<ShownEvent[]> {
  const inMemory = new Gathering((nid) => texts.get(nid));
  const shown = inMemory.gather(events);
  if (inMemory.missing.length === 0) return shown;
  const asked = new Set(nidsOf(events));
  const found = await texts.load(room, asked);
  const loaded = new Gathering((nid) => found.get(nid) ?? texts.get(nid));
  const withoutRedactions = loaded.gather(events);
  const redacting = loaded.missing.filter((nid) => !asked.has(nid));
  if (redacting.length === 0) return withoutRedactions;
  const redactions = await texts.load(room, redacting);
  return new Gathering((nid) => found.get(nid) ?? redactions.get(nid) ?? texts.get(nid)).gather(events);
}

function nidsOf(events: readonly Wanted[]): number[] {
  return events.flatMap(({ eventNid, place }) => [eventNid, place?.replacesNid].filter((nid) => nid !== undefined));
}

/** Puts events together from the texts there are, and notes which are missing. */
class Gathering {
  readonly missing: number[] = [];

  constructor(private readonly get: Get) {}

  gather(events: readonly Wanted[]): ShownEvent[] {
    const shown: ShownEvent[] = [];
    for (const { eventNid, place } of events) {
      const text = this.#find(eventNid);
      const replaced = this.#find(place?.replacesNid);
      if (text === undefined) continue;
      shown.push({ text, place, replaced, redaction: this.#find(text.redactedByNid) });
    }
    return shown;
  }

  #find(nid: number | undefined): EventText | undefined {
    if (nid === undefined) return undefined;
    const text = this.get(nid);
    if (text === undefined) this.missing.push(nid);
    return text;
  }
}
