import { MatrixError } from '@ganglion/contracts';
import { publicRoomsAnswer } from '@ganglion/contracts/room';
import { Authenticated, JsonBody, Path, Query, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { limitText, orAbsent, orElse, roomId, text } from '@ganglion/http/values';
import { domainOf, isValidServerName, type JsonObject } from '@ganglion/protocol';
import { Controller, Delete, Get, HttpCode, Inject, Post, Put } from '@nestjs/common';
import { z } from 'zod';
import { resolveAlias } from '../domain/membership.js';
import type { Owners } from '../domain/ports.js';
import { aliasPath, roomPath } from './parameters.js';
import { OWNERS } from './tokens.js';

type RoomPath = z.infer<typeof roomPath>;
type AliasPath = z.infer<typeof aliasPath>;

/** A page is never as large; what is asked for beyond it need not travel. */
const MOST_ROOMS = 1_000_000_000;

const aliasBody = z.object({ room_id: roomId });
const visibilityBody = z.object({ visibility: orElse(z.enum(['public', 'private']), 'public') }).prefault({});
const publicRoomsQuery = z.object({
  limit: limitText.optional(),
  since: z.string().optional(),
  server: z.string().optional(),
});
const publicRoomsServer = publicRoomsQuery.pick({ server: true });
const publicRoomsBody = z
  .object({
    limit: orAbsent(
      z
        .int()
        .min(0)
        .transform((limit) => Math.min(limit, MOST_ROOMS)),
    ),
    since: orAbsent(text),
    filter: orAbsent(z.object({ generic_search_term: orAbsent(text), room_types: orAbsent(z.array(text.nullable())) })),
  })
  .prefault({});

/** @see https://spec.matrix.org/v1.19/client-server-api/#room-aliases */
@Controller('_matrix/client/v3')
export class DirectoryController {
  constructor(@Inject(OWNERS) private readonly owners: Owners) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3directoryroomroomalias */
  @Get('directory/room/:roomAlias')
  @RateLimited('lookups')
  async getRoomIdByAlias(@Path(aliasPath) { roomAlias: alias }: AliasPath) {
    const { roomId: room_id, servers } = await resolveAlias(this.owners, alias);
    return { room_id, servers };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directoryroomroomalias */
  @Put('directory/room/:roomAlias')
  @RateLimited('directory')
  @Authenticated()
  async setRoomAlias(
    @RequestedBy() { userId }: Requester,
    @Path(aliasPath) { roomAlias: alias }: AliasPath,
    @JsonBody(aliasBody) body: z.infer<typeof aliasBody>,
  ) {
    if (domainOf(alias) !== domainOf(userId)) {
      throw new MatrixError(400, 'M_INVALID_PARAM', `${alias} does not belong to your server`);
    }
    await this.owners.roomDirectory.createAlias({ alias, roomId: body.room_id, userId });
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3directoryroomroomalias */
  @Delete('directory/room/:roomAlias')
  @RateLimited('directory')
  @Authenticated()
  async deleteRoomAlias(@RequestedBy() { userId }: Requester, @Path(aliasPath) { roomAlias: alias }: AliasPath) {
    await this.owners.roomDirectory.deleteAlias({ alias, userId });
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidaliases */
  @Get('rooms/:roomId/aliases')
  @RateLimited('room_reads')
  @Authenticated()
  async getLocalAliases(@RequestedBy() { userId }: Requester, @Path(roomPath) path: RoomPath) {
    return this.owners.roomDirectory.listAliases({ roomId: path.roomId, userId });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3directorylistroomroomid */
  @Get('directory/list/room/:roomId')
  @RateLimited('lookups')
  async getRoomVisibilityOnDirectory(@Path(roomPath) path: RoomPath) {
    const { published } = await this.owners.roomDirectory.getVisibility({ roomId: path.roomId });
    return { visibility: published ? 'public' : 'private' };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directorylistroomroomid */
  @Put('directory/list/room/:roomId')
  @RateLimited('directory')
  @Authenticated()
  async setRoomVisibilityOnDirectory(
    @RequestedBy() { userId }: Requester,
    @Path(roomPath) path: RoomPath,
    @JsonBody(visibilityBody) { visibility }: z.infer<typeof visibilityBody>,
  ) {
    await this.owners.roomDirectory.setVisibility({ roomId: path.roomId, userId, published: visibility === 'public' });
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3publicrooms */
  @Get('publicRooms')
  @RateLimited('public_rooms')
  getPublicRooms(@Query(publicRoomsQuery) { limit, since, server }: z.infer<typeof publicRoomsQuery>) {
    if (this.#isOther(server)) return this.#roomsOf(server, limit, since, undefined, []);
    return this.#publicRooms(limit, since, undefined, []);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3publicrooms */
  @Post('publicRooms')
  @RateLimited('public_rooms')
  @HttpCode(200)
  @Authenticated({ guests: true, suspended: true })
  queryPublicRooms(
    @Query(publicRoomsServer) { server }: z.infer<typeof publicRoomsServer>,
    @JsonBody(publicRoomsBody) { limit, since, filter }: z.infer<typeof publicRoomsBody>,
  ) {
    const types = (filter?.room_types ?? []).map((type) => type ?? '');
    const term = filter?.generic_search_term;
    if (this.#isOther(server)) return this.#roomsOf(server, limit, since, term, types);
    return this.#publicRooms(limit, since, term, types);
  }

  #isOther(server: string | undefined): server is string {
    return server !== undefined && !this.owners.isOurs(server);
  }

  async #roomsOf(
    serverName: string,
    limit: number | undefined,
    since: string | undefined,
    searchTerm: string | undefined,
    roomTypes: string[],
  ): Promise<JsonObject> {
    if (!isValidServerName(serverName as unknown)) {
      throw new MatrixError(404, 'M_NOT_FOUND', `The room directory of ${serverName.slice(0, 255)} cannot be reached`);
    }
    const request = { serverName, limit: limit ?? 0, since, searchTerm, roomTypes };
    return JSON.parse((await this.owners.remoteQueries.listPublicRooms(request)).pageJson) as JsonObject;
  }

  async #publicRooms(
    limit: number | undefined,
    since: string | undefined,
    searchTerm: string | undefined,
    roomTypes: string[],
  ) {
    const answer = await this.owners.roomDirectory.listPublicRooms({ limit: limit ?? 0, since, searchTerm, roomTypes });
    return publicRoomsAnswer(answer);
  }
}
