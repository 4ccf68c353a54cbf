import { MatrixError } from '@ganglion/contracts';
import type {
  CreateAliasRequest,
  DeleteAliasRequest,
  GetVisibilityRequest,
  ListAliasesRequest,
  ListPublicRoomsRequest,
  ResolveAliasRequest,
  RoomDirectory,
  SetVisibilityRequest,
} from '@ganglion/contracts/room';
import type { Database } from '@ganglion/database';
import { domainOf } from '@ganglion/protocol';
import {
  canonicalAliasWithout,
  deleteAlias,
  loadRoom,
  mayManageAliases,
  publicRoomSummary,
} from '../domain/directory.js';
import type { IntakeStore, RoomStore } from '../domain/ports/rooms.js';
import type { StateSource } from '../domain/ports/state-source.js';
import type { RoomActors } from '../domain/room-actors.js';
import { sendEvent } from '../domain/send-event.js';
import { visibleState } from '../domain/visible-state.js';
import type { DirectoryStore } from '../storage/directory-store.js';
import { listPublicRooms } from '../storage/public-rooms.js';

const MAX_PUBLIC_ROOMS = 500;
/** Whoever wants to join by an alias tries no more. */
const MOST_SERVERS = 50;

/** Aliases and the room directory. */
export class RoomDirectoryRpc implements RoomDirectory {
  constructor(
    private readonly db: Database,
    private readonly directory: DirectoryStore,
    private readonly store: RoomStore,
    private readonly intake: Pick<IntakeStore, 'listServers'>,
    private readonly states: StateSource,
    private readonly actors: RoomActors,
  ) {}

  async resolveAlias({ alias }: ResolveAliasRequest) {
    const target = await this.directory.resolve(alias);
    if (target === undefined) return { roomId: '', servers: [] };
    const { roomId } = target;
    const [head, inRoom] = await Promise.all([this.store.loadHead(roomId), this.intake.listServers(roomId)]);
    // Nobody joins by way of a server that does not take part.
    const own = head?.participating === true ? [domainOf(alias)] : [];
    return { roomId, servers: [...new Set([...own, ...inRoom])].slice(0, MOST_SERVERS) };
  }

  async createAlias({ alias, roomId, userId }: CreateAliasRequest) {
    await this.directory.createAlias(alias, roomId, userId);
    return {};
  }

  async deleteAlias({ alias, userId }: DeleteAliasRequest) {
    const roomId = await deleteAlias(this.directory, this.store, alias, userId);
    await this.#forgetCanonicalAlias(roomId, alias, userId);
    return {};
  }

  /** A canonical alias that does not exist would mislead; it stays in blocked rooms, and where somebody may not change it. */
  async #forgetCanonicalAlias(roomId: string, alias: string, userId: string): Promise<void> {
    const head = await loadRoom(this.store, roomId, userId);
    if (head.blocked) return;
    const content = canonicalAliasWithout(head.shownContent('m.room.canonical_alias', ''), alias);
    if (content === undefined || !mayManageAliases(head, userId)) return;
    const draft = { type: 'm.room.canonical_alias', stateKey: '', sender: userId, content, originServerTs: Date.now() };
    await this.actors.run(roomId, sendEvent(this.store, draft, undefined));
  }

  async listAliases({ roomId, userId }: ListAliasesRequest) {
    // Whoever may see the state may see the aliases.
    await visibleState(this.states, { roomId, userId, type: 'm.room.create' });
    return { aliases: await this.directory.listAliases(roomId) };
  }

  async setVisibility({ roomId, userId, published }: SetVisibilityRequest) {
    const head = await loadRoom(this.store, roomId, userId);
    if (!mayManageAliases(head, userId)) {
      throw new MatrixError(403, 'M_FORBIDDEN', `${userId} may not publish the room`);
    }
    await this.directory.setPublished(roomId, published);
    return {};
  }

  async getVisibility({ roomId }: GetVisibilityRequest) {
    const published = await this.directory.isPublished(roomId);
    if (published === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such room');
    return { published };
  }

  async listPublicRooms(request: ListPublicRoomsRequest) {
    const offset = parseBatch(request.since);
    const limit = Math.min(request.limit || MAX_PUBLIC_ROOMS, MAX_PUBLIC_ROOMS);
    const { searchTerm, roomTypes } = request;
    const rows = await listPublicRooms(this.db, { limit, offset, searchTerm, roomTypes });
    const total = rows[0]?.total ?? 0;
    return {
      rooms: rows.map(({ roomId, members, state }) => ({
        roomId,
        numJoinedMembers: members,
        summaryJson: JSON.stringify(publicRoomSummary(state ?? [])),
      })),
      total,
      nextBatch: offset + rows.length < total ? `o${offset + rows.length}` : undefined,
      prevBatch: offset > 0 ? `o${Math.max(0, offset - limit)}` : undefined,
    };
  }
}

function parseBatch(since: string | undefined): number {
  if (since === undefined) return 0;
  const offset = /^o(\d{1,9})$/.exec(since)?.[1];
  if (offset === undefined) throw new MatrixError(400, 'M_INVALID_PARAM', 'since is not a token of an earlier answer');
  return Number(offset);
}
