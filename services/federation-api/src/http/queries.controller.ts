import type { Config } from '@ganglion/config';
import { isMatrixError, MatrixError } from '@ganglion/contracts';
import { publicRoomsAnswer, type RoomDirectory } from '@ganglion/contracts/room';
import type { Users } from '@ganglion/contracts/user';
import { FederationGuard } from '@ganglion/federation';
import { JsonBody, Path, Query } from '@ganglion/http';
import { limitText, roomAlias, text, userId } from '@ganglion/http/values';
import { domainOf, isJsonObject } from '@ganglion/protocol';
import { Controller, Get, HttpCode, Inject, Post, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { CONFIG, ROOM_DIRECTORY, USERS } from './tokens.js';

const directoryQuery = z.object({ room_alias: roomAlias });
const profileQuery = z.object({ user_id: userId, field: text.optional() });
const queryPath = z.object({ queryType: text });
const publicRoomsQuery = z.object({ limit: limitText.default(0), since: text.optional() });
const publicRoomsBody = z.object({
  limit: z.int().min(0).max(1_000_000_000).default(0),
  since: text.optional(),
  filter: z
    .object({
      generic_search_term: text.optional(),
      room_types: z.array(text.nullable()).max(100).nullish(),
    })
    .optional(),
});

/** What everybody may know of our users and rooms. */
@Controller('_matrix/federation/v1')
@UseGuards(FederationGuard)
export class QueriesController {
  constructor(
    @Inject(ROOM_DIRECTORY) private readonly directory: RoomDirectory,
    @Inject(USERS) private readonly users: Users,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1querydirectory */
  @Get('query/directory')
  async queryRoomDirectory(@Query(directoryQuery) { room_alias: alias }: z.infer<typeof directoryQuery>) {
    this.#checkOurs(alias);
    const { roomId: room_id, servers } = await this.directory.resolveAlias({ alias });
    if (room_id === '') throw new MatrixError(404, 'M_NOT_FOUND', `There is no alias ${alias}`);
    return { room_id, servers };
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryprofile */
  @Get('query/profile')
  async queryProfile(@Query(profileQuery) { user_id: user, field }: z.infer<typeof profileQuery>) {
    this.#checkOurs(user);
    const profile = await this.#profile(user);
    if (field === undefined) return profile;
    return Object.hasOwn(profile, field) ? { [field]: profile[field] } : {};
  }

  /** Of the kinds of queries, there are those above. @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryquerytype */
  @Get('query/:queryType')
  queryInfo(@Path(queryPath) { queryType }: z.infer<typeof queryPath>): never {
    throw new MatrixError(404, 'M_UNRECOGNIZED', `There are no queries of the type ${queryType.slice(0, 255)}`);
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1publicrooms */
  @Get('publicRooms')
  getPublicRooms(@Query(publicRoomsQuery) { limit, since }: z.infer<typeof publicRoomsQuery>) {
    return this.#publicRooms(limit, since, undefined, []);
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1publicrooms */
  @Post('publicRooms')
  @HttpCode(200)
  queryPublicRooms(@JsonBody(publicRoomsBody) { limit, since, filter }: z.infer<typeof publicRoomsBody>) {
    const types = (filter?.room_types ?? []).map((type) => type ?? '');
    return this.#publicRooms(limit, since, filter?.generic_search_term, types);
  }

  #checkOurs(name: string): void {
    if (this.config.server_names.some((ours) => ours.name === domainOf(name))) return;
    throw new MatrixError(404, 'M_NOT_FOUND', `${name} is not of this server`);
  }

  async #profile(user: string): Promise<Record<string, unknown>> {
    try {
      const profile: unknown = JSON.parse((await this.users.getProfile({ userId: user })).profileJson);
      return isJsonObject(profile) ? profile : {};
    } catch (error) {
      if (isMatrixError(error) && error.status === 404)
        throw new MatrixError(404, 'M_NOT_FOUND', `There is no ${user}`);
      throw error;
    }
  }

  async #publicRooms(limit: number, since: string | undefined, searchTerm: string | undefined, roomTypes: string[]) {
    const answer = await this.directory.listPublicRooms({ limit, since, searchTerm, roomTypes });
    return publicRoomsAnswer(answer);
  }
}
