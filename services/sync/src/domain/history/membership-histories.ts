import { LRUCache } from 'lru-cache';
import type { ReadModel } from '../ports/read-model.js';
import type { RoomMembership } from '../views/user-view.js';
import { MembershipHistory } from './visibility.js';

/** Of users in rooms; most have one or two versions, of a hundred bytes each. */
const MAX_HISTORIES = 20_000;

interface Known {
  /** Of the last change of the membership. */
  readonly position: number;
  readonly history: Promise<MembershipHistory>;
}

/** What users in memory ever were in rooms. It is read once, and again when the membership has changed. */
export class MembershipHistories {
  readonly #known = new LRUCache<string, Known>({ max: MAX_HISTORIES });

  constructor(private readonly model: Pick<ReadModel, 'entryVersions'>) {}

  /** Forgets everything: positions may mean something else from now on. */
  begin(): void {
    this.#known.clear();
  }

  apply(): void {
    // Whoever asks brings the membership as it is now.
  }

  of(userId: string, { room, position }: RoomMembership): Promise<MembershipHistory> {
    const roomNid = room.record.nid;
    const key = `${roomNid} ${userId}`;
    const known = this.#known.get(key);
    if (known?.position === position) return known.history;
    const history = membershipsIn(this.model, roomNid, userId);
    this.#known.set(key, { position, history });
    history.catch(() => this.#known.delete(key));
    return history;
  }
}

/** All that a user ever was in a room. */
export async function membershipsIn(
  model: Pick<ReadModel, 'entryVersions'>,
  roomNid: number,
  userId: string,
): Promise<MembershipHistory> {
  const names = [{ type: 'm.room.member', stateKey: userId }];
  return new MembershipHistory(userId, await model.entryVersions({ roomNid, names, from: 0 }));
}
