import { isMatrixError, MatrixError } from '@ganglion/contracts';
import type {
  ClaimRemoteUserKeysRequest,
  GetRemoteProfileRequest,
  GetRemoteSpaceRequest,
  ListRemotePublicRoomsRequest,
  QueryRemoteUserKeysRequest,
  RemoteAnswer,
  RemoteQueries,
  ResolveRemoteAliasRequest,
} from '@ganglion/contracts/federation';
import type { FederationAgent, FederationRequest } from '@ganglion/federation';
import { domainOf, isJsonObject, isValidRoomId, isValidServerName, type JsonObject } from '@ganglion/protocol';
import { asMatrixError } from '../remote/handshakes.js';
import { HttpSpaces } from '../remote/spaces.js';
import { HttpUserKeys } from '../remote/user-keys.js';
import { LongRunning } from './long-running.js';

/** Somebody waits for the answer, and the call from service to service has an end. */
const TIMEOUT_MS = 8_000;
const MAX_SERVERS = 50;
const MAX_ROOMS = 500;
const PREFIX = '/_matrix/federation/v1';

/** What other servers know, asked for over HTTP. What is not of the form that it should have is not passed on. */
export class RemoteQueriesRpc implements RemoteQueries {
  readonly #userKeys: HttpUserKeys;
  readonly #spaces: HttpSpaces;
  readonly #running = new LongRunning<JsonObject>();

  constructor(
    private readonly agent: Pick<FederationAgent, 'request' | 'policy'>,
    /** The one of our names that asks where it makes no difference. */
    private readonly as: string,
  ) {
    this.#userKeys = new HttpUserKeys(agent, as);
    this.#spaces = new HttpSpaces(agent, as);
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1querydirectory */
  async resolveAlias({ alias }: ResolveRemoteAliasRequest) {
    const path = `${PREFIX}/query/directory?room_alias=${encodeURIComponent(alias)}`;
    const { room_id, servers } = await this.#ask({ destination: domainOf(alias), method: 'GET', path });
    if (!isValidRoomId(room_id)) throw new MatrixError(404, 'M_NOT_FOUND', `There is no room ${alias}`);
    const names = Array.isArray(servers) ? servers.filter(isValidServerName).slice(0, MAX_SERVERS) : [];
    return { roomId: room_id, serverNames: [...new Set([...names, domainOf(alias)])] };
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryprofile */
  async getProfile({ userId, field }: GetRemoteProfileRequest) {
    const query = new URLSearchParams({ user_id: userId, ...(field !== undefined && { field }) });
    const path = `${PREFIX}/query/profile?${query}`;
    const profile = await this.#ask({ destination: domainOf(userId), method: 'GET', path });
    return { profileJson: JSON.stringify(profile) };
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1publicrooms */
  async listPublicRooms(request: ListRemotePublicRoomsRequest) {
    const { serverName, limit, since, searchTerm, roomTypes } = request;
    const filter: JsonObject = {
      ...(searchTerm !== undefined && { generic_search_term: searchTerm }),
      ...(roomTypes.length > 0 && { room_types: roomTypes.map((type) => (type === '' ? null : type)) }),
    };
    const body = {
      limit: limit > 0 ? Math.min(limit, MAX_ROOMS) : MAX_ROOMS,
      filter,
      ...(since !== undefined && { since }),
    };
    const asked = { destination: serverName, method: 'POST', path: `${PREFIX}/publicRooms`, body } as const;
    return { pageJson: JSON.stringify(pageOf(await this.#ask(asked))) };
  }

  getSpace({ roomId, serverNames }: GetRemoteSpaceRequest) {
    return this.#spaces.get(roomId, serverNames);
  }

  queryUserKeys({ serverName, userIds, timeoutMs, requestId }: QueryRemoteUserKeysRequest) {
    const asked = { destination: serverName, timeoutMs };
    return this.#answer(['query', serverName, requestId], () => this.#userKeys.query(asked, userIds));
  }

  claimUserKeys({ serverName, oneTimeKeysJson, timeoutMs, requestId }: ClaimRemoteUserKeysRequest) {
    const asked = { destination: serverName, timeoutMs };
    const wanted = JSON.parse(oneTimeKeysJson) as JsonObject;
    return this.#answer(['claim', serverName, requestId], () => this.#userKeys.claim(asked, wanted));
  }

  /** Waits for what runs. */
  close(): Promise<void> {
    return this.#running.close();
  }

  async #answer(key: readonly unknown[], ask: () => Promise<JsonObject>): Promise<RemoteAnswer> {
    const progress = await this.#running.run(JSON.stringify(key), ask);
    return { pending: progress.pending, answerJson: progress.pending ? '' : JSON.stringify(progress.result) };
  }

  async #ask(asked: Omit<FederationRequest, 'origin'>): Promise<JsonObject> {
    try {
      return await this.agent.request({ ...asked, origin: this.as, timeoutMs: TIMEOUT_MS });
    } catch (error) {
      throw asNotFound(asMatrixError(error), asked.destination);
    }
  }
}

/** Who cannot be asked knows nothing. */
function asNotFound(error: unknown, server: string): unknown {
  if (!isMatrixError(error) || error.status < 500) return error;
  return new MatrixError(404, 'M_NOT_FOUND', `${server} cannot be asked`);
}

function pageOf({ chunk, next_batch, prev_batch, total_room_count_estimate: total }: JsonObject): JsonObject {
  const rooms = Array.isArray(chunk) ? chunk.filter((room) => isJsonObject(room) && isValidRoomId(room.room_id)) : [];
  return {
    chunk: rooms.slice(0, MAX_ROOMS),
    ...(typeof next_batch === 'string' && { next_batch }),
    ...(typeof prev_batch === 'string' && { prev_batch }),
    ...(typeof total === 'number' && { total_room_count_estimate: total }),
  };
}
