import { MatrixError } from '@ganglion/contracts';
import type { CompiledRoomEventFilter } from '@ganglion/protocol';
import { type AccessReaders, accessRoom, type RoomAccess } from '../history/room-access.js';
import type { SearchModel, SizedRoom } from '../ports/search-model.js';

export interface SearchedRoomsDependencies extends AccessReaders {
  readonly search: Pick<SearchModel, 'unencrypted'>;
}

/** The rooms that one search looks in. Who may see what of a room is found out once something was found there. */
export class SearchedRooms {
  readonly #accesses = new Map<number, Promise<RoomAccess | undefined>>();

  private constructor(
    private readonly deps: SearchedRoomsDependencies,
    private readonly userId: string,
    private readonly upTo: number,
    private readonly roomIds: ReadonlyMap<number, string>,
    readonly sized: readonly SizedRoom[],
  ) {}

  /** Those that the user is in or was, that the filter lets through and that are not encrypted. */
  static async of(deps: SearchedRoomsDependencies, userId: string, filter: CompiledRoomEventFilter, upTo: number) {
    const memberships = await deps.model.memberships(userId);
    const wanted = memberships.filter(
      ({ roomId, membership }) => ['join', 'leave', 'ban'].includes(membership) && filter.allowsRoom(roomId),
    );
    const roomIds = new Map(wanted.map(({ nid, roomId }) => [nid, roomId]));
    const sized = await deps.search.unencrypted([...roomIds.keys()]);
    return new SearchedRooms(deps, userId, upTo, roomIds, sized);
  }

  /** Undefined for who was only invited, or has forgotten the room: they may not look into it. */
  access(nid: number): Promise<RoomAccess | undefined> {
    const known = this.#accesses.get(nid) ?? this.#lookUp(nid);
    this.#accesses.set(nid, known);
    return known;
  }

  async #lookUp(nid: number): Promise<RoomAccess | undefined> {
    const roomId = this.roomIds.get(nid);
    if (roomId === undefined) return undefined;
    return accessRoom(this.deps, roomId, this.userId, this.upTo).catch((error: unknown) => {
      if (error instanceof MatrixError) return undefined;
      throw error;
    });
  }
}
