import type { CompiledRoomEventFilter } from '@ganglion/protocol';
import { contentText } from '../event-text.js';
import type { WantedEntries } from '../ports/past-states.js';
import { showState } from '../texts/shown-events.js';
import { filterable, isErasedFor, type ShownEvent, type TimelineEvent, type Viewer } from '../timeline-event.js';
import { membersAt, stateAt } from '../views/room-state.js';
import { memberEvents } from './member-events.js';
import type { HistoryDependencies } from './reading.js';
import type { RoomAccess } from './room-access.js';
import { latestOf, stateTime } from './state-time.js';

/** The state and the members that go with events of a room's past, as they were then. */
export class AccompanyingState {
  constructor(private readonly deps: HistoryDependencies) {}

  /** With lazy loading, the member events of those whom a page mentions. */
  async members(access: RoomAccess, filter: CompiledRoomEventFilter, events: readonly TimelineEvent[]) {
    const last = latestOf(events);
    return filter.lazyLoadMembers && last !== undefined ? this.#membersOf(access, events, last) : [];
  }

  /** As they were at an event. */
  async #membersOf({ room, stateUpTo }: RoomAccess, events: readonly TimelineEvent[], last: TimelineEvent) {
    const { model, texts, rooms } = this.deps;
    const senders = new Set(events.map(({ text }) => text.sender));
    const past = await this.#pastState(room.nid, last, { others: false, members: senders });
    if (past !== undefined) return showState(texts, room, past);
    const members = await membersAt(model, await rooms.get(room), senders, stateTime(last, stateUpTo));
    return showState(texts, room, [...members.values()]);
  }

  /** The state that goes with events, as it is at the last of them: with lazy loading, only the members whom they mention. */
  async with(
    access: RoomAccess,
    filter: CompiledRoomEventFilter,
    mentioned: readonly TimelineEvent[],
    last: TimelineEvent,
  ): Promise<ShownEvent[]> {
    const { texts } = this.deps;
    const { room } = access;
    if (!filter.allowsRoom(room.roomId)) return [];
    const members = filter.lazyLoadMembers ? mentioned.map(({ text }) => text.sender) : 'all';
    const past = await this.#pastState(room.nid, last, { others: true, members });
    const state =
      past === undefined ? await this.#liveState(access, filter, mentioned, last) : await showState(texts, room, past);
    return state.filter((event) => filter.allows(filterable(event)));
  }

  async #liveState(
    access: RoomAccess,
    filter: CompiledRoomEventFilter,
    mentioned: readonly TimelineEvent[],
    last: TimelineEvent,
  ): Promise<ShownEvent[]> {
    const { model, texts, rooms } = this.deps;
    const { room, stateUpTo } = access;
    const time = stateTime(last, stateUpTo);
    const view = await rooms.get(room);
    const state = await showState(texts, room, await stateAt(model, view, time));
    const members = filter.lazyLoadMembers ? await this.#membersOf(access, mentioned, last) : [];
    if (!filter.lazyLoadMembers) {
      for await (const page of memberEvents(this.deps, view, time, () => true)) members.push(...page);
    }
    return [...state, ...members];
  }

  /** The state at an event that was backfilled, which the read model does not have; undefined for others. */
  async #pastState(roomNid: number, { place }: TimelineEvent, wanted: WantedEntries) {
    if (place.position > 0) return undefined;
    const eventNids = await this.deps.pastStates.at(roomNid, place.eventNid, wanted);
    return eventNids?.map((eventNid) => ({ eventNid }));
  }

  /** What those whom a page mentions showed of themselves at an event, by user id. */
  async profiles(
    access: RoomAccess,
    { erased }: Viewer,
    mentioned: readonly TimelineEvent[],
    at: TimelineEvent,
  ): Promise<Record<string, object>> {
    const members = await this.#membersOf(access, mentioned, at);
    return Object.fromEntries(
      members.map(({ text, place }) => {
        if (isErasedFor(text, place, erased)) return [text.stateKey ?? '', {}];
        const { displayname, avatar_url } = JSON.parse(contentText(text)) as Record<string, unknown>;
        const profile = {
          ...(typeof displayname === 'string' && { displayname }),
          ...(typeof avatar_url === 'string' && { avatar_url }),
        };
        return [text.stateKey ?? '', profile];
      }),
    );
  }
}
