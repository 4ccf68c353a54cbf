import type { CompiledRoomEventFilter } from '@ganglion/protocol';
import type { SentMembers } from './lazy-members.js';
import { heroesFor } from './member-summary.js';
import type { ReadModel } from './ports.js';
import type { RoomView } from './room-view.js';
import type { StateVersion, TimelineEvent } from './timeline-event.js';
import { filterable, type Timeline } from './timeline-window.js';

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
 * The state events that belong into one room's part of an answer: what changed since the client last looked, up to the
 * timeline's start or its end, and with lazy loading only those members whom the timeline mentions.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
 */
export async function readStateDelta(model: ReadModel, sent: SentMembers, query: StateQuery): Promise<TimelineEvent[]> {
  const { timeline, since, filter, after, upTo } = query;
  const at = after ? upTo : timeline.start;
  const state = await stateAt(model, query.view, at);
  const changed = since === undefined ? state : state.filter(({ position }) => position > since);
  const events = changed.flatMap(({ event }) => event ?? []);
  const chosen = filter.lazyLoadMembers ? lazily(query, sent, state, events) : events;
  return chosen.filter((event) => filter.allows(filterable(event)));
}

/** The state at a position, from memory or, for what lies further back, from the database. */
export async function stateAt(model: ReadModel, view: RoomView, at: number): Promise<StateVersion[]> {
  if (view.covers(at)) return view.stateAt(at);
  const versions = await model.stateVersions(view.record.nid, at);
  return versions.filter(({ position }) => position <= at);
}

/** Members only as far as someone has to be shown, and not again to a device that has them. */
function lazily(
  query: StateQuery,
  sent: SentMembers,
  state: readonly StateVersion[],
  changed: readonly TimelineEvent[],
) {
  const { view, userId, deviceId, since, upTo, timeline, filter, after } = query;
  const device = `${userId} ${deviceId}`;
  const wanted = new Set(timeline.events.map(({ sender }) => sender));
  wanted.add(userId);
  // Of the state after the timeline, the client takes nothing from the timeline itself.
  if (after) for (const member of changedMembers(timeline)) wanted.add(member);
  if (since === undefined) for (const hero of heroesFor(view.members(upTo), userId)) wanted.add(hero);
  const shown = new Set(after ? [] : timeline.events);
  const members = state.flatMap(({ type, stateKey, event }) =>
    type === 'm.room.member' && wanted.has(stateKey) && event !== undefined && !shown.has(event) ? [event] : [],
  );
  const others = changed.filter(({ type }) => type !== 'm.room.member');
  const news = new Set(changed);
  const needed = members.filter((event) => {
    const unsent = sent.isNews(device, event, since, upTo);
    return unsent || news.has(event) || filter.includeRedundantMembers;
  });
  return [...others, ...needed];
}

function changedMembers({ events }: Timeline): string[] {
  return events.flatMap(({ type, stateKey }) => (type === 'm.room.member' && stateKey !== undefined ? [stateKey] : []));
}
