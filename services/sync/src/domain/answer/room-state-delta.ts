import type { CompiledRoomEventFilter } from '@ganglion/protocol';
import type { ReadModel } from '../ports/read-model.js';
import { filterable, type StateVersion, type TimelineEvent } from '../timeline-event.js';
import { coveringFrom } from '../views/past-state.js';
import type { RoomView } from '../views/room-view.js';
import type { SentMembers } from './lazy-members.js';
import { shownHeroes, summaryChanged } from './room-summary.js';
import type { Timeline } from './timeline-window.js';

export interface StateQuery {
  readonly view: RoomView;
  readonly userId: string;
  readonly deviceId: string;
  /** Changes above this position; undefined for the whole state. */
  readonly since: number | undefined;
  readonly upTo: number;
  readonly timeline: Timeline;
  readonly filter: CompiledRoomEventFilter;
  /** As it is after the timeline rather than before it. */
  readonly after: boolean;
}

/**
 * The state events that belong into one room's part of an answer: what changed since the client last looked and is not in
 * the timeline, and with lazy loading only those members whom the timeline mentions. With the timeline on top of it, a client
 * has the state as it is at the end, whatever the timeline leaves out.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
 */
export async function readStateDelta(model: ReadModel, sent: SentMembers, query: StateQuery): Promise<TimelineEvent[]> {
  const { since, upTo, timeline, filter, view } = query;
  const state = await coveringFrom(model, view, Math.min(since ?? upTo, timeline.start));
  const entries = since === undefined ? state.stateAt(upTo) : state.changedState(since, upTo);
  const wanted = filter.lazyLoadMembers ? entries.filter(({ type }) => type !== 'm.room.member') : entries;
  const notShown = withoutTimeline(query, state);
  const changed = wanted.flatMap((entry) => notShown(entry) ?? []);
  const news = changed.filter(({ position }) => since === undefined || position > since);
  const members = filter.lazyLoadMembers ? lazyMembers(query, sent, state, notShown) : [];
  return [...news.flatMap(({ event }) => event ?? []), ...members].filter((event) => filter.allows(filterable(event)));
}

type Entry = (entry: StateVersion) => StateVersion | undefined;

/** What an entry is at the end, or before the timeline when it is the timeline that shows how it ends. */
function withoutTimeline({ timeline, after }: StateQuery, state: RoomView): Entry {
  const shown = new Set(after ? [] : timeline.events.map(({ position }) => position));
  return (entry) => {
    const isShown = entry.event !== undefined && shown.has(entry.event.position);
    return isShown ? state.version(entry.type, entry.stateKey, timeline.start) : entry;
  };
}

/** Members only as far as someone has to be shown, and not again to a device that has them. */
function lazyMembers(query: StateQuery, sent: SentMembers, state: RoomView, notShown: Entry): TimelineEvent[] {
  const { view, userId, deviceId, since, upTo, timeline, filter, after } = query;
  const wanted = new Set(timeline.events.map(({ sender }) => sender));
  wanted.add(userId);
  // Of the state after the timeline, the client takes nothing from the timeline itself.
  if (after) for (const member of changedMembers(timeline)) wanted.add(member);
  if (since === undefined || summaryChanged(view, since, upTo)) {
    for (const hero of shownHeroes(view, upTo, userId) ?? []) wanted.add(hero);
  }
  return [...wanted].flatMap((member) => {
    const entry = state.version('m.room.member', member, upTo);
    const event = entry && notShown(entry)?.event;
    if (event === undefined) return [];
    const isNew = since !== undefined && event.position > since;
    const unsent = sent.isNews(`${userId} ${deviceId}`, event, since, upTo);
    return unsent || isNew || filter.includeRedundantMembers ? [event] : [];
  });
}

function changedMembers({ events }: Timeline): string[] {
  return events.flatMap(({ type, stateKey }) => (type === 'm.room.member' && stateKey !== undefined ? [stateKey] : []));
}
