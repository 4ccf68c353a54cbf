import { MAIN_TIMELINE, type PushOutcome, threadIdAfter } from '@ganglion/protocol';
import { type HistoryDependencies, type Reader, viewerOf } from '../history/reading.js';
import { accessRoom } from '../history/room-access.js';
import type { ThreadSubscriptionModel } from '../ports/thread-subscription-model.js';
import { showEvents } from '../texts/shown-events.js';
import { type EventPlace, eventText, type TimelineEvent } from '../timeline-event.js';
import type { RoomMembership, UserView } from '../views/user-view.js';
import { USUAL_RULES } from '../views/usual-rules.js';
import { displayNameIn, Evaluations, roomNow } from './evaluations.js';
import { isRedacted } from './notice.js';

export interface NotificationsRequest extends Reader {
  /** Below this position; undefined for the latest. */
  readonly below: number | undefined;
  readonly limit: number;
  readonly onlyHighlights: boolean;
}

/** Something that a user was told of, or would have been. */
interface Notification {
  readonly membership: RoomMembership;
  readonly event: TimelineEvent;
  readonly outcome: PushOutcome;
  readonly isRead: boolean;
}

export interface NotificationsPage {
  /** JSON. */
  readonly texts: readonly string[];
  /** Where to go on; undefined at the end. */
  readonly below: number | undefined;
}

/** Events of all rooms together that are looked at in one go, and how often that is done for one answer. */
const LOOKED_AT = 100;
const MOST_TIMES = 10;

/**
 * What users were told of in their rooms, as their push rules are now: nothing is kept for it. A page may have fewer than were asked for,
 * and go on, where there is much that nobody is told of.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3notifications
 */
export class Notifications {
  constructor(
    private readonly deps: HistoryDependencies,
    /** Where it makes a difference which threads users follow. */
    private readonly threads: Pick<ThreadSubscriptionModel, 'followed'> | undefined,
  ) {}

  list(request: NotificationsRequest): Promise<NotificationsPage> {
    const { feed, users } = this.deps;
    return feed.use(async () => {
      const user = await users.get(request.userId);
      const joined = new Map([...user.rooms].filter(([, { membership }]) => membership === 'join'));
      const found: Notification[] = [];
      let below: number | undefined = Math.min(request.below ?? Number.MAX_SAFE_INTEGER, feed.position + 1);
      for (let times = 0; times < MOST_TIMES && below !== undefined && found.length < request.limit; times++) {
        const places: readonly EventPlace[] = await this.#latest([...joined.keys()], below - 1);
        found.push(...(await this.#among(user, joined, places, request)));
        below = places.length < LOOKED_AT ? undefined : places.at(-1)!.position;
      }
      const shown = found.slice(0, request.limit);
      const left = found.length > shown.length ? shown.at(-1)?.event.place.position : below;
      return { texts: await this.#texts(request, shown), below: left };
    });
  }

  async #latest(roomNids: readonly number[], upTo: number): Promise<readonly EventPlace[]> {
    return roomNids.length === 0 ? [] : this.deps.model.latestEvents({ roomNids, upTo, limit: LOOKED_AT });
  }

  /** Those of the events, the latest first. */
  async #among(
    user: UserView,
    joined: ReadonlyMap<number, RoomMembership>,
    places: readonly EventPlace[],
    { onlyHighlights }: NotificationsRequest,
  ): Promise<Notification[]> {
    const usual = user.pushRules === USUAL_RULES;
    const loud = places.filter(({ roomNid, position, isQuiet }) => {
      const since = joined.get(roomNid)?.since ?? Number.POSITIVE_INFINITY;
      return position > since && !(usual && isQuiet);
    });
    const rooms = Map.groupBy(loud, ({ roomNid }) => roomNid);
    const found = await Promise.all(
      [...rooms].map(([roomNid, ofRoom]) => this.#inRoom(user, joined.get(roomNid)!, ofRoom)),
    );
    return found
      .flat()
      .filter(({ outcome }) => outcome.highlight || (outcome.notify && !onlyHighlights))
      .sort((one, other) => other.event.place.position - one.event.place.position);
  }

  async #inRoom(user: UserView, membership: RoomMembership, places: readonly EventPlace[]): Promise<Notification[]> {
    const { model, texts, rooms } = this.deps;
    const { userId, ignored, pushRules: rules } = user;
    const { record } = membership.room;
    const view = await rooms.get(record);
    const [now, displayName, events] = await Promise.all([
      roomNow(texts, view),
      displayNameIn(model, texts, view, userId),
      showEvents(texts, record, places),
    ]);
    const evaluations = new Evaluations();
    const rootIds = events.flatMap((event) => evaluations.of(event, now).evaluation.threadRoot ?? []);
    const followed = await this.threads?.followed(userId, record.roomId, [...new Set(rootIds)]);
    const followsThread = followed && ((rootId: string) => followed.has(rootId));
    return events.flatMap((event) => {
      const { sender, stateKey } = event.text;
      if (isRedacted(event) || (stateKey === undefined && ignored.has(sender))) return [];
      const { content, evaluation } = evaluations.of(event, now);
      const outcome = evaluation.outcomeFor({ userId, rules, displayName, followsThread });
      const threadId = threadIdAfter(content, () => MAIN_TIMELINE);
      return [{ membership, event, outcome, isRead: event.place.position <= membership.marks.readUpTo(threadId) }];
    });
  }

  /** Those that the user may still see, as they may be shown now. */
  async #texts(reader: NotificationsRequest, shown: readonly Notification[]): Promise<string[]> {
    const texts = new Map<Notification, string>();
    const rooms = Map.groupBy(shown, ({ membership }) => membership.room.record);
    for (const [{ roomId }, ofRoom] of rooms) {
      const access = await accessRoom(this.deps, roomId, reader.userId, this.deps.feed.position);
      const visible = ofRoom.filter(({ event }) => access.history.maySee(event));
      const events = visible.map(({ event }) => event);
      const viewer = await viewerOf(this.deps, access, reader, events);
      for (const each of visible) texts.set(each, notificationText(each, roomId, eventText(each.event, viewer)));
    }
    return shown.flatMap((each) => texts.get(each) ?? []);
  }
}

function notificationText({ event, outcome, isRead }: Notification, roomId: string, text: string): string {
  const { origin_server_ts: ts } = JSON.parse(event.text.json) as { origin_server_ts: number };
  const others = JSON.stringify({ actions: outcome.actions, read: isRead, room_id: roomId, ts });
  return `${others.slice(0, -1)},"event":${text}}`;
}
