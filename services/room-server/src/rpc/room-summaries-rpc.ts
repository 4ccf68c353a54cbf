import { MatrixError } from '@ganglion/contracts';
import type {
  GetRoomSummariesRequest,
  GetSpaceForServerRequest,
  InheritAliasesRequest,
  ListRoomAvatarsRequest,
  ListSuccessionsRequest,
  ListVisibleUsersRequest,
  MoveAliasesRequest,
  RoomSummaries,
  RoomSummary,
  SearchMembersRequest,
} from '@ganglion/contracts/room';
import type { JsonObject } from '@ganglion/protocol';
import { checkNotBlocked } from '../domain/blocked.js';
import { loadRoom, mayManageAliases } from '../domain/directory.js';
import { roomFor } from '../domain/federation/asking-server.js';
import type { FederationRows } from '../domain/ports/federation-rows.js';
import type { RoomStore } from '../domain/ports/rooms.js';
import type { SummarySource, VisibleUsers } from '../domain/ports/summaries.js';
import {
  childrenOf,
  type ServerInRooms,
  type SummarisedRoom,
  shownRooms,
  shownToServer,
  summaryOf,
} from '../domain/room-summaries.js';
import type { DirectoryStore } from '../storage/directory-store.js';
import type { MemberSearchRows } from '../storage/member-search.js';
import type { RoomSummaryRows } from '../storage/room-summary-rows.js';

/** Whose membership nobody asks for. */
const NOBODY = '';
/** More children of one space nobody looks through. */
const MOST_CHILDREN = 1_000;
const CHILDREN_AT_ONCE = 50;
/** A message between services holds more, an answer to another server ought not to. */
const ANSWER_CHARACTERS = 8_000_000;

function toldRoom(room: SummarisedRoom): RoomSummary {
  return {
    ...{ roomId: room.roomId, roomVersion: room.roomVersion, numJoinedMembers: room.members },
    ...{ membership: room.membership, summaryJson: JSON.stringify(summaryOf(room)) },
    childrenStateJson: JSON.stringify(childrenOf(room)),
  };
}

/** What rooms look like from outside, and what takes their place. */
export class RoomSummariesRpc implements RoomSummaries {
  constructor(
    private readonly source: SummarySource &
      VisibleUsers &
      Pick<RoomSummaryRows, 'invitedFrom' | 'successions' | 'stayedAmong' | 'avatarsAmong'>,
    private readonly federation: Pick<FederationRows, 'roomsWith'>,
    private readonly directory: DirectoryStore,
    private readonly store: RoomStore,
    private readonly members: MemberSearchRows,
  ) {}

  async getRoomSummaries({ roomIds, userId }: GetRoomSummariesRequest) {
    const joinedRooms = async (joiner: string) =>
      new Set((await this.store.listMemberships(joiner, ['join'])).map(({ roomId }) => roomId));
    const rooms = await shownRooms({ source: this.source, joinedRooms }, roomIds, userId);
    return { summaries: rooms.map(toldRoom) };
  }

  async getSpaceForServer({ serverName, roomId, suggestedOnly }: GetSpaceForServerRequest) {
    await roomFor(this.store, roomId, serverName);
    const server = {
      joined: async (ids: readonly string[]) => {
        const rooms = await this.federation.roomsWith(serverName, [...ids]);
        return new Set(rooms.map((room) => room.roomId));
      },
      invited: (ids: readonly string[]) => this.source.invitedFrom(serverName, ids),
    };
    const [room] = await shownToServer(await this.source.rooms([roomId], NOBODY), server);
    if (room === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such room that may be shown to you');
    const wanted = childrenOf(room).filter(
      ({ content }) => !suggestedOnly || (content as JsonObject).suggested === true,
    );
    const ids = [...new Set(wanted.map(({ state_key }) => String(state_key)))].slice(0, MOST_CHILDREN);
    return {
      room: { ...toldRoom(room), childrenStateJson: JSON.stringify(wanted) },
      ...(await this.#childrenFor(server, ids)),
    };
  }

  /** Those children of a space that fit into an answer, a few at a time: their names and topics may be long. */
  async #childrenFor(server: ServerInRooms, ids: readonly string[]) {
    const children: RoomSummary[] = [];
    const inaccessibleChildren: string[] = [];
    let characters = 0;
    for (let at = 0; at < ids.length && characters < ANSWER_CHARACTERS; at += CHILDREN_AT_ONCE) {
      const some = await this.source.withoutChildren(ids.slice(at, at + CHILDREN_AT_ONCE), NOBODY);
      const shown = new Set(await shownToServer(some, server));
      for (const child of some) {
        if (!shown.has(child)) inaccessibleChildren.push(child.roomId);
        else if (characters < ANSWER_CHARACTERS) {
          const told = toldRoom(child);
          children.push(told);
          characters += told.summaryJson.length;
        }
      }
    }
    return { children, inaccessibleChildren };
  }

  async listRoomAvatars({ candidates }: ListRoomAvatarsRequest) {
    return { uris: await this.source.avatarsAmong(candidates) };
  }

  async listVisibleUsers({ userId, candidates }: ListVisibleUsersRequest) {
    return { userIds: await this.source.visibleTo(userId, candidates) };
  }

  async searchMembers(search: SearchMembersRequest) {
    const [others, neighbours] = await Promise.all([this.members.others(search), this.members.neighbours(search)]);
    return { others, neighbours };
  }

  async moveAliases({ roomId, replacementRoomId, userId }: MoveAliasesRequest) {
    const [old, replacement] = [
      await loadRoom(this.store, roomId, userId),
      await loadRoom(this.store, replacementRoomId, userId),
    ];
    for (const room of [old, replacement]) checkNotBlocked(room);
    if (!mayManageAliases(old, userId) || !mayManageAliases(replacement, userId)) {
      throw new MatrixError(403, 'M_FORBIDDEN', `${userId} may not move the aliases of the room`);
    }
    return { aliases: await this.directory.moveAll(old.nid, replacement.nid) };
  }

  async inheritAliases({ roomId, replacementRoomId }: InheritAliasesRequest) {
    const [succession] = (await this.source.successions([roomId])).filter(
      (each) => each.roomId === roomId && each.replacementRoomId === replacementRoomId,
    );
    const [old, replacement] = [await this.store.loadHead(roomId), await this.store.loadHead(replacementRoomId)];
    const isOurs = succession !== undefined && replacement?.participating === true;
    if (!isOurs || old === undefined || old.blocked || replacement.blocked) return { aliases: [] };
    return { aliases: await this.directory.moveAll(old.nid, replacement.nid) };
  }

  async listSuccessions({ roomIds, joinNids }: ListSuccessionsRequest) {
    const successions = await this.source.successions(roomIds);
    // Few rooms replace others.
    const stayedNids = successions.length === 0 ? [] : await this.source.stayedAmong(joinNids, roomIds);
    return { successions, stayedNids };
  }
}
