import { MatrixError } from '@ganglion/contracts';
import {
  type FederationAgent,
  type FederationRequest,
  RemoteRefusal,
  UnreachableServerError,
} from '@ganglion/federation';
import { isJsonObject, type JsonObject, type JsonValue, ROOM_VERSIONS } from '@ganglion/protocol';
import type { EnteredMembership, Handshake, Handshakes, InviteOffer } from '../domain/ports/remote-rooms.js';

/** The whole state of a large room, with what authorises it. */
const MAX_ROOM_BYTES = 256 * 1_048_576;
const ROOM_TIMEOUT_MS = 180_000;
const TIMEOUT_MS = 30_000;

/** Rooms to which one could be invited before the version was said with it. */
const VERSIONS_OF_V1: ReadonlySet<string> = new Set(['1', '2']);

const SUPPORTED_VERSIONS = ROOM_VERSIONS.map(({ id }) => `ver=${id}`).join('&');

/** Enters and leaves rooms of other servers, over HTTP. */
export class HttpHandshakes implements Handshakes {
  constructor(private readonly agent: FederationAgent) {}

  make(handshake: Handshake, membership: EnteredMembership, userId: string): Promise<JsonObject> {
    const versions = membership === 'leave' ? '' : `?${SUPPORTED_VERSIONS}`;
    const path = `v1/make_${membership}/${pathOf(handshake.roomId, userId)}${versions}`;
    return this.#ask(handshake, { method: 'GET', path, timeoutMs: TIMEOUT_MS });
  }

  send(
    handshake: Handshake,
    membership: EnteredMembership,
    eventId: string,
    body: JsonObject,
    { omitMembers = false }: { readonly omitMembers?: boolean } = {},
  ): Promise<JsonObject> {
    const version = membership === 'knock' ? 'v1' : 'v2';
    const query = omitMembers ? '?omit_members=true' : '';
    const path = `${version}/send_${membership}/${pathOf(handshake.roomId, eventId)}${query}`;
    const room = { timeoutMs: ROOM_TIMEOUT_MS, maxBytes: MAX_ROOM_BYTES };
    return this.#ask(handshake, { method: 'PUT', path, body, ...(membership === 'join' && room) });
  }

  async invite(handshake: Handshake, eventId: string, offer: InviteOffer): Promise<JsonObject> {
    const { roomVersion: room_version, pdu: event, inviteRoomState } = offer;
    const body = { room_version, event, invite_room_state: [...inviteRoomState] };
    const path = `invite/${pathOf(handshake.roomId, eventId)}`;
    try {
      const asked = { method: 'PUT', path: `v2/${path}`, body, timeoutMs: TIMEOUT_MS } as const;
      return eventOf(await this.#request(handshake, asked));
    } catch (error) {
      if (!mayKnowV1(error) || !VERSIONS_OF_V1.has(room_version)) throw asHandshakeError(error);
      return this.#inviteAsOfOld(handshake, `v1/${path}`, offer);
    }
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1inviteroomideventid */
  async #inviteAsOfOld(
    { server: destination, as: origin }: Handshake,
    path: string,
    { pdu, inviteRoomState }: InviteOffer,
  ): Promise<JsonObject> {
    const body = { ...pdu, unsigned: { invite_room_state: [...inviteRoomState] } };
    const asked = { origin, destination, method: 'PUT', path: `/_matrix/federation/${path}`, body } as const;
    try {
      const answer = await this.agent.requestValue({ ...asked, timeoutMs: TIMEOUT_MS });
      return eventOf(Array.isArray(answer) ? answer[1] : answer);
    } catch (error) {
      throw asHandshakeError(error);
    }
  }

  #request(
    { server: destination, as: origin }: Handshake,
    { path, ...asked }: Omit<FederationRequest, 'origin' | 'destination'>,
  ): Promise<JsonObject> {
    return this.agent.request({ origin, destination, ...asked, path: `/_matrix/federation/${path}` });
  }

  async #ask(handshake: Handshake, asked: Omit<FederationRequest, 'origin' | 'destination'>): Promise<JsonObject> {
    try {
      return await this.#request(handshake, asked);
    } catch (error) {
      throw asHandshakeError(error);
    }
  }
}

/**
 * Whether a server may know invites in their first form alone: there is nothing else that would tell.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room
 */
function mayKnowV1(error: unknown): boolean {
  if (!(error instanceof RemoteRefusal)) return false;
  return error.status === 400 || error.status === 404 || error.errcode === 'M_UNRECOGNIZED';
}

/** Nothing in an event that we have made ourselves is for our client to mend. */
const OURS_TO_MEND: ReadonlySet<string> = new Set(['M_INVALID_PARAM', 'M_MISSING_PARAM']);

function asHandshakeError(error: unknown): unknown {
  if (error instanceof RemoteRefusal && error.status === 400 && OURS_TO_MEND.has(error.errcode)) {
    return new MatrixError(502, 'M_UNKNOWN', `The other server does not take what it was given: ${error.message}`);
  }
  return asMatrixError(error);
}

function eventOf(answer: JsonValue | undefined): JsonObject {
  if (isJsonObject(answer) && isJsonObject(answer.event)) return answer.event;
  throw new MatrixError(502, 'M_UNKNOWN', 'The other server has answered the invite with no event');
}

/** What a failure to ask another server is for whoever wanted something of it. */
export function asMatrixError(error: unknown): unknown {
  if (error instanceof UnreachableServerError) {
    return new MatrixError(502, 'M_UNKNOWN', `${error.destination} could not be asked, or did not answer as it should`);
  }
  if (!(error instanceof RemoteRefusal)) return error;
  // Their 401 is between the two servers: a client would take it for its own.
  const status = error.status === 401 || error.status >= 500 || error.status < 400 ? 502 : error.status;
  const errcode =
    /^M_[A-Z_]{1,80}$/.test(error.errcode) && error.errcode !== 'M_UNKNOWN_TOKEN' ? error.errcode : 'M_UNKNOWN';
  const { room_version } = error.body;
  const extra =
    errcode === 'M_INCOMPATIBLE_ROOM_VERSION' && typeof room_version === 'string' ? { room_version } : undefined;
  return new MatrixError(status, errcode, error.message, extra);
}

function pathOf(roomId: string, what: string): string {
  return `${encodeURIComponent(roomId)}/${encodeURIComponent(what)}`;
}
