import type { CompiledRoomEventFilter } from '@ganglion/protocol';
import { showState } from '../texts/shown-events.js';
import { filterable, type ShownEvent, type StateVersion } from '../timeline-event.js';
import { allMembersAt, changedState, entryAt, membersAt, stateAt } from '../views/room-state.js';
import type { RoomView } from '../views/room-view.js';
import type { SentMembers } from './lazy-members.js';
import type { RoomReaders } from './room-readers.js';
import { shownHeroes, summaryChanged } from './room-summary.js';
import type { Timeline } from './timeline-window.js';

export interface StateQuery {
  readonly view: RoomView;
  readonly userId: string;
  readonly deviceId: string;
  /** Changes above this position; undefined for the whole state. */
  readonly since: number | undefined;
  /** What the client has seen, also where it is told the whole state; undefined for who comes to the room. */
  readonly seen: number | undefined;
  readonly upTo: number;
  readonly timeline: Timeline;
  readonly filter: CompiledRoomEventFilter;
  /** As it is after the timeline rather than before it. */
  readonly after: boolean;
}

/**
 * The state events that belong into one room's part of an answer: what changed since the client last looked and is not in
 * the timeline, and with lazy loading only those members who changed or whom the timeline mentions. With the timeline on top
 * of it, a client has the state as it is at the end, whatever the timeline leaves out.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
 */
export async function readStateDelta(readers: RoomReaders, query: StateQuery): Promise<ShownEvent[]> {
  const { since, filter, view } = query;
  const lazy = filter.lazyLoadMembers;
  const changed = await beforeTimeline(readers, query, await entriesOf(readers, query, !lazy));
  const news = changed.filter(({ position }) => since === undefined || position > since);
  const members = lazy ? await lazyMembers(readers, query) : [];
  const events = await showState(readers.texts, view.record, [...news, ...members]);
  return events.filter((event) => filter.allows(filterable(event)));
}

/** What the client may have to be told. */
async function entriesOf({ model }: RoomReaders, { view, since, upTo }: StateQuery, withMembers: boolean) {
  if (since !== undefined) return changedState(model, view, since, upTo, withMembers);
  const state = await stateAt(model, view, upTo);
  if (!withMembers) return state;
  const pages = [state];
  for await (const page of allMembersAt(model, view, upTo)) pages.push([...page]);
  return pages.flat();
}

/** What entries are at the end, or before the timeline when it is the timeline that shows how they end. */
async function beforeTimeline(
  { model }: RoomReaders,
  { view, timeline, after }: StateQuery,
  entries: readonly StateVersion[],
): Promise<StateVersion[]> {
  if (entries.length === 0) return [];
  const shown = new Set(after ? [] : timeline.events.map(({ text }) => text.eventNid));
  const isShown = ({ eventNid }: StateVersion) => eventNid !== undefined && shown.has(eventNid);
  const hidden = entries.filter(isShown);
  if (hidden.length === 0) return [...entries];
  const isMember = ({ type }: StateVersion) => type === 'm.room.member';
  const memberIds = hidden.filter(isMember).map(({ stateKey }) => stateKey);
  const members = await membersAt(model, view, memberIds, timeline.start);
  const before = await Promise.all(
    hidden.map((entry) =>
      isMember(entry) ? members.get(entry.stateKey) : entryAt(model, view, entry.type, entry.stateKey, timeline.start),
    ),
  );
  const instead = new Map(hidden.map((entry, index) => [entry, before[index]]));
  return entries.flatMap((entry) => (instead.has(entry) ? (instead.get(entry) ?? []) : entry));
}

/**
 * Members only as far as someone has to be shown, and not again to a device that has them; but whoever has changed since the
 * client last looked is told in any case, be it somebody it never asked for: it would go on encrypting to who has left.
 */
async function lazyMembers(readers: RoomReaders, query: StateQuery): Promise<StateVersion[]> {
  const { view, userId, deviceId, since, seen, upTo, timeline, filter, after } = query;
  const wanted = new Set(timeline.events.map(({ text }) => text.sender));
  wanted.add(userId);
  // Of the state after the timeline, the client takes nothing from the timeline itself.
  if (after) for (const member of membersIn(timeline)) wanted.add(member);
  if (since === undefined || summaryChanged(view, since, upTo)) {
    for (const hero of (await shownHeroes(readers, view, upTo, userId)) ?? []) wanted.add(hero);
  }
  const members = await membersAt(readers.model, view, wanted, upTo);
  const others = (await changedMembers(readers, query)).filter(({ stateKey }) => !wanted.has(stateKey));
  const sent = (entry: StateVersion) => isNewTo(readers.sent, `${userId} ${deviceId}`, entry, query);
  const shown = await beforeTimeline(readers, query, [...members.values(), ...others]);
  return shown.filter((entry) => {
    const isNew = seen !== undefined && entry.position > seen;
    const isTold = isNew || wanted.has(entry.stateKey);
    return entry.eventNid !== undefined && isTold && (sent(entry) || isNew || filter.includeRedundantMembers);
  });
}

/** Whose memberships changed since the client last looked, what they are at the end. */
async function changedMembers({ model }: RoomReaders, { view, seen, upTo }: StateQuery): Promise<StateVersion[]> {
  if (seen === undefined || !view.membersChanged(seen)) return [];
  const changed = await changedState(model, view, seen, upTo, true);
  return changed.filter(({ type }) => type === 'm.room.member');
}

function membersIn({ events }: Timeline): string[] {
  return events.flatMap(({ text: { type, stateKey } }) =>
    type === 'm.room.member' && stateKey !== undefined ? [stateKey] : [],
  );
}

function isNewTo(sent: SentMembers, device: string, { stateKey, eventNid }: StateVersion, query: StateQuery): boolean {
  const { view, since, upTo } = query;
  return eventNid !== undefined && sent.isNews(device, { roomNid: view.record.nid, stateKey, eventNid }, since, upTo);
}
