import { MatrixError } from '@ganglion/contracts';
import type { AskingDevice } from '../event-text.js';
import type { Announcements } from '../feed/announcements.js';
import type { LiveFeed } from '../feed/live-feed.js';
import type { PastStates } from '../ports/past-states.js';
import type { ReadModel } from '../ports/read-model.js';
import type { RelationModel } from '../ports/relation-model.js';
import { type Bundles, bundlesOf } from '../relations/bundles.js';
import { erasedSenders } from '../texts/erased-senders.js';
import type { EventTexts } from '../texts/event-texts.js';
import type { EventPlace, ShownEvent, TimelineEvent, Viewer } from '../timeline-event.js';
import type { ErasedUsers } from '../views/erased-users.js';
import type { EventFinder } from '../views/event-finder.js';
import type { RoomTails } from '../views/room-tails.js';
import type { RoomViews } from '../views/room-views.js';
import type { UserViews } from '../views/user-views.js';
import { type HistoryToken, reachOf } from './history-token.js';
import type { MembershipHistories } from './membership-histories.js';
import { accessRoom, type RoomAccess } from './room-access.js';

export interface HistoryDependencies {
  readonly feed: LiveFeed;
  readonly model: ReadModel;
  readonly relations: RelationModel;
  readonly texts: EventTexts;
  readonly finder: EventFinder;
  readonly rooms: RoomViews;
  readonly tails: RoomTails;
  readonly users: UserViews;
  readonly announcements: Announcements;
  readonly erased: Pick<ErasedUsers, 'known'>;
  readonly histories: MembershipHistories;
  readonly pastStates: PastStates;
}

export type Reader = AskingDevice;

/**
 * Runs on a feed that has what the reader has written and where their token leads, in a room that they may look into.
 *
 * @throws MatrixError M_FORBIDDEN
 */
export function readRoom<T>(
  deps: HistoryDependencies,
  { roomId, userId }: Reader & { roomId: string },
  token: HistoryToken | undefined,
  run: (access: RoomAccess) => Promise<T>,
): Promise<T> {
  const { feed, announcements } = deps;
  return feed.use(async () => {
    await announcements.settled(roomId);
    if (token !== undefined) await feed.reach(reachOf(token));
    return run(await accessRoom(deps, roomId, userId, feed.position));
  });
}

/** An event of the room that the reader may see. @throws MatrixError M_NOT_FOUND */
export async function visibleEvent(
  { finder }: Pick<HistoryDependencies, 'finder'>,
  { room, upTo, history }: RoomAccess,
  { eventId, userId }: Reader & { eventId: string },
): Promise<TimelineEvent> {
  const event = await finder.find(room, eventId, userId);
  if (event === undefined || event.place.position > upTo || !history.maySee(event)) throw noSuchEvent();
  return event;
}

export function noSuchEvent(): MatrixError {
  return new MatrixError(404, 'M_NOT_FOUND', 'There is no such event that you may see');
}

/** Whom events are shown to, with what relates to these events. */
export async function viewerOf(
  deps: HistoryDependencies,
  access: RoomAccess,
  { userId, deviceId, deviceNid }: Reader,
  events: readonly ShownEvent[],
): Promise<Viewer> {
  const { room, history } = access;
  const membershipAt = (place: EventPlace) => history.atEvent(place);
  const viewer: Viewer = {
    ...{ userId, deviceId, deviceNid, now: Date.now(), roomId: room.roomId, membershipAt },
    erased: erasedSenders(access.erased, room, membershipAt),
    maySee: (event) => history.maySee(event),
  };
  return { ...viewer, relations: await bundlesFor(deps, access, viewer, events) };
}

async function bundlesFor(
  deps: HistoryDependencies,
  { room, history, upTo }: RoomAccess,
  viewer: Viewer,
  events: readonly ShownEvent[],
): Promise<Bundles> {
  const view = await deps.rooms.get(room);
  const { ignored } = await deps.users.get(viewer.userId);
  const mayHaveChildren = (position: number) => view.mayHaveChildren(position);
  const maySee = (event: TimelineEvent) => history.maySee(event);
  return bundlesOf(deps, { room, mayHaveChildren, maySee, ignored, upTo, viewer }, events);
}
