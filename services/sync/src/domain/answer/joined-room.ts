import type { CompiledEventFilter } from '@ganglion/protocol';
import type { AccountDataRow } from '../append-batch.js';
import { concatenated } from '../concatenated.js';
import { membershipsIn } from '../history/membership-histories.js';
import { rawEvents } from '../history/raw-events.js';
import { isWorldReadable } from '../history/room-access.js';
import { MembershipHistory } from '../history/visibility.js';
import { type Bundles, bundlesOf } from '../relations/bundles.js';
import { formatToken } from '../sync-token.js';
import { erasedSenders } from '../texts/erased-senders.js';
import { showState } from '../texts/shown-events.js';
import { type EventPlace, eventsText, type ShownEvent, type TimelineEvent, type Viewer } from '../timeline-event.js';
import { standingOf } from '../views/room-state.js';
import type { RoomView } from '../views/room-view.js';
import type { RoomMembership } from '../views/user-view.js';
import type { Aside } from './quiet-room.js';
import type { RoomReaders } from './room-readers.js';
import { readStateDelta } from './room-state-delta.js';
import { summaryChanged, summaryText } from './room-summary.js';
import type { Window } from './sync-request.js';
import { readTimeline, type Timeline } from './timeline-window.js';

/** One room of an answer, and what of it the client has seen. */
export interface RoomWindow extends Window, Aside {
  readonly view: RoomView;
  readonly membership: RoomMembership;
  /** Where the room ends for the user: the answer's position, or where they left. */
  readonly upTo: number;
  readonly accountData: readonly AccountDataRow[];
}

/** `rooms.join` or `rooms.leave` of one room as JSON text; undefined when there is nothing to tell. */
export async function roomAnswer(readers: RoomReaders, asked: RoomWindow, kind: 'join' | 'leave') {
  const { view, upTo, request } = asked;
  // Who knows the room without its members gets it anew with them.
  const isAnew = asked.since !== undefined && asked.since < view.wholeFrom && view.wholeFrom <= upTo;
  const window = isAnew ? { ...asked, since: undefined } : asked;
  const { since } = window;
  const read = await readTimelineAsMember(readers, window, kind);
  const { history } = read;
  const timeline = isAnew ? { ...read.timeline, limited: true } : read.timeline;
  // Who was not in the room when they last looked gets all of its state.
  const seen = since !== undefined && history.at(since) === 'join' ? since : undefined;
  const wholeState = seen === undefined || request.fullState;
  const state = (await mayReadState(readers, window, history, kind))
    ? await readRoomState(readers, window, timeline, seen)
    : await ownMembership(readers, window, history, request.stateKey === 'state' ? timeline.events : []);
  const accountData = wantedAccountData(window);
  const isSummaryNew = wholeState || summaryChanged(view, seen, upTo);
  if (
    !wholeState &&
    timeline.events.length === 0 &&
    state.length === 0 &&
    accountData.length === 0 &&
    window.ephemeral.length === 0 &&
    !window.hasRead &&
    !timeline.limited
  ) {
    return undefined;
  }
  window.delivery?.add(timeline.events.map(({ place }) => place));
  const raw = await rawTexts(readers, window, [...timeline.events, ...state]);
  const membershipAt = (place: EventPlace) => history.atEvent(place);
  const erased = erasedSenders(window.erased, view.record, membershipAt);
  const own = { ...viewerOf(window), raw, membershipAt, erased };
  const viewer = { ...own, relations: await relationsOf(readers, window, history, timeline, own) };
  const parts = [
    timelineText(timeline, viewer, window),
    `"${request.stateKey}":${stateText(state, viewer, history)}`,
    `"account_data":{"events":[${accountData.map(accountDataText).join(',')}]}`,
  ];
  if (kind === 'join') {
    parts.push(`"ephemeral":{"events":[${window.ephemeral.join(',')}]}`, await window.unread(view));
  }
  if (kind === 'join' && isSummaryNew)
    parts.push(`"summary":${await summaryText(readers, view, upTo, request.userId)}`);
  return `{${concatenated(parts)}}`;
}

/**
 * The timeline as the user's memberships let them see it. Of those only the last stretch is known, which is enough while the
 * answer stays within it; else all of them are looked up.
 */
async function readTimelineAsMember(readers: RoomReaders, window: RoomWindow, kind: 'join' | 'leave') {
  const { view, since, request, membership } = window;
  const { userId } = request;
  if (kind === 'join' && (since === undefined || since >= membership.since)) {
    const stretch = { position: membership.since, membership: 'join', eventNid: membership.eventNid };
    const known = new MembershipHistory(userId, [stretch], membership.since);
    const timeline = await readMembersTimeline(readers, window, kind, known);
    if (timeline.lookedBackTo >= known.knownFrom) return { history: known, timeline };
  }
  const history = await membershipsIn(readers.model, view.record.nid, userId);
  return { history, timeline: await readMembersTimeline(readers, window, kind, history) };
}

/** Whoever was not in the room when they last looked knows it up to where their last membership ended, if there was one. */
async function readMembersTimeline(
  readers: RoomReaders,
  window: RoomWindow,
  kind: 'join' | 'leave',
  history: MembershipHistory,
): Promise<Timeline> {
  const { since, upTo } = window;
  if (since === undefined || history.at(since) === 'join') return readRoomTimeline(readers, window, history, since);
  const known = history.lastEndBefore(since);
  const comes = kind === 'join' || history.at(upTo - 1) === 'join';
  const timeline = await readRoomTimeline(readers, window, history, known ?? (comes ? undefined : since));
  // Whoever comes has always missed something, also when they are gone again.
  return comes ? { ...timeline, limited: true } : timeline;
}

function readRoomTimeline(
  readers: RoomReaders,
  window: RoomWindow,
  history: MembershipHistory,
  since: number | undefined,
) {
  const { view, upTo, request, ignored } = window;
  const { timeline: filter } = request.filter.room;
  const query = {
    ...{ view, since, upTo, filter },
    maySee: (event: TimelineEvent) => history.maySee(event),
    standing: async (events: readonly TimelineEvent[]) =>
      history.at(upTo) === 'join' ? standingOf(readers.model, view, events, upTo) : new Set<number>(),
    shows: (event: TimelineEvent) => event.text.stateKey !== undefined || !ignored.has(event.text.sender),
  };
  return filter.allowsRoom(view.record.roomId)
    ? readTimeline(readers, query)
    : Promise.resolve({ events: [], limited: false, start: upTo, lookedBackTo: upTo });
}

/** Who ends what never was a membership, as by declining an invite, has no right to know the room. */
async function mayReadState(
  readers: RoomReaders,
  { view, upTo }: RoomWindow,
  history: MembershipHistory,
  kind: 'join' | 'leave',
): Promise<boolean> {
  return kind === 'join' || history.at(upTo - 1) === 'join' || isWorldReadable(readers, view.record, upTo);
}

/** Of the state before the timeline, what the timeline shows is no part. */
async function ownMembership(
  { texts }: RoomReaders,
  { view, upTo, request }: RoomWindow,
  history: MembershipHistory,
  shown: readonly TimelineEvent[],
): Promise<ShownEvent[]> {
  const eventNid = history.eventAt(upTo);
  if (eventNid === undefined || shown.some(({ text }) => text.eventNid === eventNid)) return [];
  const own = { type: 'm.room.member', stateKey: request.userId, position: upTo, membership: undefined, eventNid };
  return showState(texts, view.record, [own]);
}

async function readRoomState(readers: RoomReaders, window: RoomWindow, timeline: Timeline, seen: number | undefined) {
  const { view, request, upTo } = window;
  const { state: filter } = request.filter.room;
  if (filter.allowsNothing || !filter.allowsRoom(view.record.roomId)) return [];
  const { userId, deviceId, stateKey } = request;
  const after = stateKey !== 'state';
  const since = request.fullState ? undefined : seen;
  return readStateDelta(readers, { view, userId, deviceId, since, seen, upTo, timeline, filter, after });
}

function viewerOf({ request, now }: Window): Viewer {
  const { userId, deviceId, deviceNid, filter } = request;
  return { userId, deviceId, deviceNid, now, fields: filter.eventFields };
}

/** What the events are in the format that the filter asks for, when it is not that of clients. */
async function rawTexts({ roomLog }: RoomReaders, { request, view }: RoomWindow, events: readonly ShownEvent[]) {
  if (request.filter.eventFormat === 'client' || events.length === 0) return undefined;
  return rawEvents(roomLog, view.record, events);
}

/** What relates to events of the timeline. Nothing does to most that are new. */
function relationsOf(
  readers: RoomReaders,
  { view, upTo, ignored }: RoomWindow,
  history: MembershipHistory,
  { events }: Timeline,
  viewer: Viewer,
): Promise<Bundles> {
  const maySee = (event: TimelineEvent) => history.maySee(event);
  const mayHaveChildren = (position: number) => view.mayHaveChildren(position);
  return bundlesOf(readers, { room: view.record, mayHaveChildren, maySee, ignored, upTo, viewer }, events);
}

function timelineText(timeline: Timeline, viewer: Viewer, { upTo, since }: RoomWindow): string {
  const { events, limited, start } = timeline;
  const previous = events.length > 0 || limited ? start : (since ?? upTo);
  return `"timeline":{"events":${eventsText(events, viewer)},"limited":${limited},"prev_batch":"${formatToken(previous)}"}`;
}

/** Of state from before the user came they may know what it is, not what it was. */
function stateText(events: readonly ShownEvent[], viewer: Viewer, history: MembershipHistory): string {
  const maySee = (event: TimelineEvent) => history.maySee(event);
  const ofState = { ...viewer, membershipAt: undefined, maySee, isState: true };
  return `{"events":${eventsText(events, ofState)}}`;
}

function wantedAccountData({ accountData, request, view }: RoomWindow): readonly AccountDataRow[] {
  const { accountData: filter } = request.filter.room;
  return filter.allowsRoom(view.record.roomId) ? accountDataFor(filter, accountData) : [];
}

/** A limit is no reason to leave account data out, unless it is 0: nothing would tell the client that there is more. */
export function accountDataFor(
  filter: CompiledEventFilter,
  rows: readonly AccountDataRow[],
): readonly AccountDataRow[] {
  if (filter.allowsNothing) return [];
  return rows.filter(({ type, content }) =>
    filter.allows({
      type,
      get content(): unknown {
        return JSON.parse(content);
      },
    }),
  );
}

export function accountDataText({ type, content }: AccountDataRow): string {
  return `{"type":${JSON.stringify(type)},"content":${content}}`;
}
