import type { EventPlace, ShownEvent, StateVersion, TimelineEvent } from '../timeline-event.js';
import type { TextRoom, TextSource, Texts } from './event-texts.js';

/** Events with their texts, and with those of the events that they show. What has no text is left out. */
export async function showEvents(texts: TextSource, room: TextRoom, places: readonly EventPlace[]) {
  const events = places.map((place) => ({ eventNid: place.eventNid, place }));
  return (await show(texts, room, events)) as TimelineEvent[];
}

/** The events that stand in the state, as far as there are any. */
export function showState(texts: TextSource, room: TextRoom, versions: readonly StateVersion[]): Promise<ShownEvent[]> {
  const events = versions.flatMap(({ eventNid, place }) => (eventNid === undefined ? [] : { eventNid, place }));
  return show(texts, room, events);
}

interface Wanted {
  readonly eventNid: number;
  readonly place: EventPlace | undefined;
}

async function show(texts: TextSource, room: TextRoom, events: readonly Wanted[]): Promise<ShownEvent[]> {
  if (events.length === 0) return [];
  const nids = events.flatMap(({ eventNid, place }) => [eventNid, ...listOf(place?.replacesNid)]);
  const found = await texts.load(room, nids);
  const redacting = events.flatMap(({ eventNid }) => listOf(found.get(eventNid)?.redactedByNid));
  const redactions = redacting.length === 0 ? found : await texts.load(room, redacting);
  return events.flatMap((event) => shownEvent(event, found, redactions));
}

function shownEvent({ eventNid, place }: Wanted, found: Texts, redactions: Texts): ShownEvent[] {
  const text = found.get(eventNid);
  if (text === undefined) return [];
  const textOf = (texts: Texts, nid: number | undefined) => (nid === undefined ? undefined : texts.get(nid));
  const replaced = textOf(found, place?.replacesNid);
  return [{ text, place, replaced, redaction: textOf(redactions, text.redactedByNid) }];
}

function listOf(nid: number | undefined): number[] {
  return nid === undefined ? [] : [nid];
}
