import type { PresenceModel } from '../ports/presence-model.js';
import { type PresenceStatus, presenceContent } from '../presence/presence.js';
import type { PresenceLog } from '../presence/presence-log.js';
import type { RoomMembership, UserView } from '../views/user-view.js';
import type { Window } from './sync-request.js';

/**
 * Reads what a user is told of how reachable others are who share a room with them, and of themselves. Nothing is asked of the database
 * unless somebody came to a room.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#presence
 */
export class PresenceReader {
  constructor(
    private readonly model: Pick<PresenceModel, 'changed' | 'met'>,
    private readonly log: PresenceLog,
    private readonly isEnabled: boolean,
  ) {}

  /** The property `presence` as JSON text; undefined when there is nothing to tell. */
  async read(user: UserView, window: Window, changedRooms: readonly RoomMembership[]): Promise<string | undefined> {
    const { filter } = window.request;
    if (!this.isEnabled || filter.presence.allowsNothing) return undefined;
    const statuses = new Map<string, PresenceStatus>();
    for (const status of await this.#met(user, window, changedRooms)) statuses.set(status.userId, status);
    for (const status of await this.#changed(user, window)) statuses.set(status.userId, status);
    const events = [...statuses.values()]
      .map((status) => ({ type: 'm.presence', sender: status.userId, content: presenceContent(status, window.now) }))
      .filter((event) => filter.presence.allows(event));
    return events.length === 0 ? undefined : `"presence":{"events":${JSON.stringify(events)}}`;
  }

  /** Who came to the user's rooms, or was in those that the user came to; everybody when the client begins anew. */
  async #met(user: UserView, { since, upTo }: Window, rooms: readonly RoomMembership[]): Promise<PresenceStatus[]> {
    const joined = rooms.filter(({ membership }) => membership === 'join');
    const isNew = ({ since: from }: RoomMembership) => since === undefined || from > since;
    const entered = nidsOf(joined.filter(isNew));
    const moved = nidsOf(joined.filter((known) => !isNew(known) && known.room.membersPosition > (since ?? 0)));
    if (since !== undefined && entered.length + moved.length === 0) return [];
    const met = await this.model.met({ userId: user.userId, since: since ?? 0, upTo, entered, moved });
    // Of themselves they know since they began.
    return since === undefined ? met : met.filter(({ userId }) => userId !== user.userId);
  }

  async #changed(user: UserView, { since, upTo }: Window): Promise<PresenceStatus[]> {
    const reached = Math.max(user.presencePosition, user.ownPresencePosition);
    if (since === undefined || (since >= user.seenFrom && reached <= since)) return [];
    if (!this.log.covers(since)) {
      const roomNids = [...user.rooms].flatMap(([nid, { membership }]) => (membership === 'join' ? [nid] : []));
      return this.model.changed({ userId: user.userId, since, upTo, roomNids });
    }
    const shares = (nid: number) => user.rooms.get(nid)?.membership === 'join';
    return this.log
      .between(since, upTo)
      .filter(({ userId, roomNids }) => userId === user.userId || roomNids.some(shares));
  }
}

function nidsOf(memberships: readonly RoomMembership[]): number[] {
  return memberships.map(({ room }) => room.record.nid);
}
