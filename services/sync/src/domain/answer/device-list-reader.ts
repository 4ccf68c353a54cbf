import type { DeviceListChanges, DeviceListModel } from '../ports/device-list-model.js';
import type { RoomMembership, UserView } from '../views/user-view.js';

interface Window {
  readonly since: number | undefined;
  readonly upTo: number;
}

const NONE: DeviceListChanges = { changed: [], left: [] };

/**
 * Reads what a user has to know of the devices of others. Nothing is asked of the database unless keys of somebody who shares a
 * room with them changed, or somebody came or went.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user
 */
export class DeviceListReader {
  constructor(private readonly model: Pick<DeviceListModel, 'changes'>) {}

  /** As /sync tells it: the property `device_lists` as JSON text; undefined when there is nothing to tell. */
  async read(user: UserView, window: Window, changedRooms: readonly RoomMembership[]): Promise<string | undefined> {
    const { since, upTo } = window;
    if (since === undefined) return undefined;
    const withKeys = since < user.seenFrom || user.keysPosition > since;
    const { changed, left } = await this.#changes(user, { since, upTo }, changedRooms, withKeys);
    if (changed.length + left.length === 0) return undefined;
    return `"device_lists":${JSON.stringify({ changed, left })}`;
  }

  /** Between any two positions. */
  between(user: UserView, since: number, upTo: number): Promise<DeviceListChanges> {
    return this.#changes(user, { since, upTo }, [...user.rooms.values()], true);
  }

  async #changes(
    user: UserView,
    { since, upTo }: { since: number; upTo: number },
    rooms: readonly RoomMembership[],
    withKeys: boolean,
  ): Promise<DeviceListChanges> {
    const { entered = [], left = [], stayed = [] } = Object.groupBy(rooms, (room) => kindOf(room, since));
    const moved = stayed.filter(({ room }) => room.membersPosition > since);
    if (!withKeys && entered.length + left.length + moved.length === 0) return NONE;
    const joined = [...user.rooms.values()].filter(({ membership }) => membership === 'join');
    const changes = await this.model.changes({
      ...{ userId: user.userId, since, upTo, withKeys, entered: nidsOf(entered), left: nidsOf(left) },
      // Who went before the user did may have shared nothing else.
      moved: nidsOf([...moved, ...entered, ...left]),
      joined: joined.map((membership) => ({ roomNid: membership.room.record.nid, since: membership.since })),
    });
    // Everybody in a room that was come to, the user among them, is looked at anew: as clients know it from other servers.
    const isOwn = entered.length > 0 && !changes.changed.includes(user.userId);
    return isOwn ? { ...changes, changed: [...changes.changed, user.userId] } : changes;
  }
}

function kindOf({ membership, since: from }: RoomMembership, since: number): 'entered' | 'left' | 'stayed' | 'other' {
  if (membership === 'join') return from > since ? 'entered' : 'stayed';
  return from > since ? 'left' : 'other';
}

function nidsOf(memberships: readonly RoomMembership[]): number[] {
  return memberships.map(({ room }) => room.record.nid);
}
