import type { RoomLog } from '@ganglion/contracts/room';
import type { CompiledEventFilter } from '@ganglion/protocol';
import type { AccountDataRow } from '../append-batch.js';
import { rawEvents } from '../history/raw-events.js';
import { MembershipHistory } from '../history/visibility.js';
import type { ReadModel } from '../ports/read-model.js';
import { formatToken } from '../sync-token.js';
import { eventText, type TimelineEvent, type Viewer } from '../timeline-event.js';
import type { RoomView } from '../views/room-view.js';
import type { SentMembers } from './lazy-members.js';
import type { Aside } from './quiet-room.js';
import { readStateDelta } from './room-state-delta.js';
import { summaryChanged, summaryText } from './room-summary.js';
import type { Window } from './sync-request.js';
import { readTimeline, type Timeline } from './timeline-window.js';

/** One room of an answer, and what of it the client has seen. */
export interface RoomWindow extends Window, Aside {
  readonly view: RoomView;
  /** Where the room ends for the user: the answer's position, or where they left. */
  readonly upTo: number;
  readonly accountData: readonly AccountDataRow[];
}

export interface RoomReaders {
  readonly model: ReadModel;
  readonly sent: SentMembers;
  readonly roomLog: Pick<RoomLog, 'getEvents'>;
}

/** `rooms.join` or `rooms.leave` of one room as JSON text; undefined when there is nothing to tell. */
export async function roomAnswer(readers: RoomReaders, window: RoomWindow, kind: 'join' | 'leave') {
  const { view, since, upTo, request } = window;
  const { history, timeline } = await readTimelineAsMember(readers.model, window, kind);
  // Who was not in the room when they last looked gets all of its state.
  const seen = since !== undefined && history.at(since) === 'join' ? since : undefined;
  const wholeState = seen === undefined || request.fullState;
  const state = (await mayReadState(readers.model, window, history, kind))
    ? await readRoomState(readers, window, timeline, wholeState ? undefined : seen)
    : ownMembership(history, upTo, request.stateKey === 'state' ? timeline.events : []);
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
  window.delivery?.add(timeline.events);
  const raw = await rawTexts(readers, window, [...timeline.events, ...state]);
  const viewer = { ...viewerOf(window), raw, membershipAt: (event: TimelineEvent) => history.at(event.position) };
  const parts = [
    timelineText(timeline, viewer, window),
    `"${request.stateKey}":${stateText(state, viewer, history)}`,
    `"account_data":{"events":[${accountData.map(accountDataText).join(',')}]}`,
  ];
  if (kind === 'join') {
    parts.push(`"ephemeral":{"events":[${window.ephemeral.join(',')}]}`, await window.unread(view));
  }
  if (kind === 'join' && isSummaryNew) parts.push(`"summary":${summaryText(view, upTo, request.userId)}`);
  return `{${parts.join(',')}}`;
}

/**
 * The timeline as the user's memberships let them see it. These are looked up in memory while the answer stays within the
 * view's window, and in the database when it leads further back or somebody comes or goes.
 */
async function readTimelineAsMember(model: ReadModel, window: RoomWindow, kind: 'join' | 'leave') {
  const { view, since, request } = window;
  const known = new MembershipHistory(
    request.userId,
    view.versionsOf('m.room.member', request.userId),
    view.windowStart,
  );
  const stays = kind === 'join' && (since === undefined || (view.covers(since) && known.at(since) === 'join'));
  if (known.knownFrom === 0 || stays) {
    const timeline = await readMembersTimeline(model, window, kind, known);
    if (timeline.lookedBackTo >= known.knownFrom) return { history: known, timeline };
  }
  const versions = await model.entryVersions(view.record.nid, 'm.room.member', request.userId);
  const history = new MembershipHistory(request.userId, versions);
  return { history, timeline: await readMembersTimeline(model, window, kind, history) };
}

/** Whoever was not in the room when they last looked knows it up to where their last membership ended, if there was one. */
async function readMembersTimeline(
  model: ReadModel,
  window: RoomWindow,
  kind: 'join' | 'leave',
  history: MembershipHistory,
): Promise<Timeline> {
  const { since, upTo } = window;
  if (since === undefined || history.at(since) === 'join') return readRoomTimeline(model, window, history, since);
  const known = history.lastEndBefore(since);
  const comes = kind === 'join' || history.at(upTo - 1) === 'join';
  const timeline = await readRoomTimeline(model, window, history, known ?? (comes ? undefined : since));
  // Whoever comes has always missed something, also when they are gone again.
  return comes ? { ...timeline, limited: true } : timeline;
}

function readRoomTimeline(model: ReadModel, window: RoomWindow, history: MembershipHistory, since: number | undefined) {
  const { view, upTo, request, ignored } = window;
  const { timeline: filter } = request.filter.room;
  const query = {
    ...{ view, since, upTo, filter },
    maySee: (event: TimelineEvent) => history.maySee(event),
    shows: (event: TimelineEvent) => event.stateKey !== undefined || !ignored.has(event.sender),
  };
  return filter.allowsRoom(view.record.roomId)
    ? readTimeline(model, query)
    : Promise.resolve({ events: [], limited: false, start: upTo, lookedBackTo: upTo });
}

/** Who ends what never was a membership, as by declining an invite, has no right to know the room. */
async function mayReadState(
  model: ReadModel,
  { view, upTo }: RoomWindow,
  history: MembershipHistory,
  kind: 'join' | 'leave',
): Promise<boolean> {
  if (kind === 'join' || history.at(upTo - 1) === 'join') return true;
  const versions = await model.entryVersions(view.record.nid, 'm.room.history_visibility', '');
  const visibility = versions.findLast(({ position }) => position <= upTo)?.event?.visibility;
  return visibility === 'world_readable';
}

/** Of the state before the timeline, what the timeline shows is no part. */
function ownMembership(history: MembershipHistory, upTo: number, shown: readonly TimelineEvent[]): TimelineEvent[] {
  const own = history.eventAt(upTo);
  return own === undefined || shown.some(({ position }) => position === own.position) ? [] : [own];
}

async function readRoomState(readers: RoomReaders, window: RoomWindow, timeline: Timeline, since: number | undefined) {
  const { view, request, upTo } = window;
  const { state: filter } = request.filter.room;
  if (filter.allowsNothing || !filter.allowsRoom(view.record.roomId)) return [];
  const { userId, deviceId, stateKey } = request;
  const after = stateKey !== 'state';
  return readStateDelta(readers.model, readers.sent, { view, userId, deviceId, since, upTo, timeline, filter, after });
}

function viewerOf({ request, now }: Window): Viewer {
  return { userId: request.userId, deviceId: request.deviceId, now, fields: request.filter.eventFields };
}

/** What the events are in the format that the filter asks for, when it is not that of clients. */
async function rawTexts({ roomLog }: RoomReaders, { request, view }: RoomWindow, events: readonly TimelineEvent[]) {
  if (request.filter.eventFormat === 'client' || events.length === 0) return undefined;
  return rawEvents(roomLog, view.record.roomId, events);
}

function timelineText(timeline: Timeline, viewer: Viewer, { upTo, since }: RoomWindow): string {
  const { events, limited, start } = timeline;
  const previous = events.length > 0 || limited ? start : (since ?? upTo);
  return `"timeline":{"events":[${events.map((event) => eventText(event, viewer)).join(',')}],"limited":${limited},"prev_batch":"${formatToken(previous)}"}`;
}

/** Of state from before the user came they may know what it is, not what it was. */
function stateText(events: readonly TimelineEvent[], viewer: Viewer, history: MembershipHistory): string {
  const ofState = { ...viewer, membershipAt: undefined, maySee: (event: TimelineEvent) => history.maySee(event) };
  return `{"events":[${events.map((event) => eventText(event, ofState)).join(',')}]}`;
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
