import { isDeepStrictEqual } from 'node:util';
import { eventually } from '../eventually.js';
import type { Attendant } from '../matrix/attendant.js';
import { depthOf, type RoomCopy, type Rows, roomCopy } from './room-copy.js';

/** A server of ours, whose database can be looked into. */
export interface Side {
  readonly name: string;
  readonly db: Rows;
}

export interface SharedRoomOptions {
  readonly version: string;
  /** The first one has the room first. */
  readonly sides: readonly Side[];
  /** The first one makes it. */
  readonly people: readonly Attendant[];
  /** They may change what the room says of itself, and the power levels. */
  readonly moderators: readonly Attendant[];
}

const MODERATOR = 60;
/** Who was away is tried again after a while, which is the longer the longer that was. */
const PATIENCE_MS = 180_000;

/** A room in which several servers of ours have people. */
export class SharedRoom {
  private constructor(
    readonly roomId: string,
    private readonly sides: readonly Side[],
    /** Of its last event when all had the same. */
    private readonly depth: number,
  ) {}

  /** Makes one, and brings them together. */
  static async open({ version, sides, people, moderators }: SharedRoomOptions): Promise<SharedRoom> {
    const [creator, ...others] = people as [Attendant, ...Attendant[]];
    const roomId = await creator.user.createRoom({ preset: 'public_chat', room_version: version });
    for (const { user, userId } of others) {
      await user.join(roomId, sides[0]!.name);
      await eventually(() => creator.getState(roomId, 'm.room.member', userId), PATIENCE_MS);
    }
    const levels = (await creator.getState(roomId, 'm.room.power_levels')) as { users: object; events: object };
    await creator.putState(roomId, 'm.room.power_levels', {
      ...levels,
      users: { ...levels.users, ...Object.fromEntries(moderators.map(({ userId }) => [userId, MODERATOR])) },
      events: { ...levels.events, 'm.room.power_levels': 50 },
    });
    // Who is put out does not come back by themselves.
    await creator.putState(roomId, 'm.room.join_rules', { join_rule: 'invite' });
    await creator.user.sendText(roomId, 'Here we are');
    const before = new SharedRoom(roomId, sides, 0);
    await eventually(async () => {
      if (people.some((each) => !each.heard(roomId).includes('Here we are'))) throw new Error('not all are there yet');
      await before.agreed();
    }, PATIENCE_MS);
    return new SharedRoom(roomId, sides, await depthOf(sides[0]!.db, roomId));
  }

  /** One after the other says that they are back, until all have heard it: the last one follows on all that has happened. */
  async reunite(people: readonly Attendant[]): Promise<void> {
    for (const { user } of people) {
      const text = `${user.userId} is back`;
      await user.sendText(this.roomId, text);
      await eventually(() => {
        const deaf = people.filter((each) => !each.heard(this.roomId).includes(text)).map(({ userId }) => userId);
        if (deaf.length > 0) throw new Error(`${deaf.join(', ')} does not hear ${user.userId} in ${this.roomId}`);
      }, PATIENCE_MS);
    }
  }

  /**
   * What the servers have of it, which is the same: its state, where it goes on, and what has happened since.
   *
   * @throws Error when they do not agree
   */
  async agreed(): Promise<readonly RoomCopy[]> {
    const copies = await Promise.all(this.sides.map(({ db }) => roomCopy(db, this.roomId, this.depth)));
    const common = copies.map(({ state, forwardExtremities, known }) => ({
      state,
      forwardExtremities,
      ...(this.depth > 0 && { known }),
    }));
    if (common.every((each) => isDeepStrictEqual(each, common[0]))) return copies;
    throw new Error(`the servers do not agree on the room: ${JSON.stringify(common, null, 1)}`);
  }
}
