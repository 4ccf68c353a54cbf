import type {
  ClaimInviteRequest,
  EnterRemoteRoomRequest,
  FetchEventNearTimeRequest,
  FetchHistoryRequest,
  InviteRemoteUserRequest,
  LeaveRemoteRoomRequest,
  RemoteRoomResponse,
  RemoteRooms as RemoteRoomsContract,
} from '@ganglion/contracts/federation';
import type { JsonObject } from '@ganglion/protocol';
import type { NearestEvent } from '../domain/history/nearest-event.js';
import type { RemoteHistory } from '../domain/history/remote-history.js';
import type { RemoteRooms } from '../domain/remote-rooms/remote-rooms.js';
import type { BoundAddresses } from '../domain/serving/bound-addresses.js';
import type { SignedForUser } from '../domain/serving/third-party-proof.js';
import { LongRunning } from './long-running.js';

/** Rooms of other servers, for other services. */
export class RemoteRoomsRpc implements RemoteRoomsContract {
  readonly #running = new LongRunning<unknown>();

  constructor(
    private readonly rooms: RemoteRooms,
    private readonly history: RemoteHistory,
    private readonly nearest: NearestEvent,
    private readonly addresses: Pick<BoundAddresses, 'claim'>,
  ) {}

  joinRoom(request: EnterRemoteRoomRequest) {
    return this.#run(keyOf('join', request), () => this.rooms.join(entryOf(request)));
  }

  knockRoom(request: EnterRemoteRoomRequest) {
    return this.#run(keyOf('knock', request), () => this.rooms.knock(entryOf(request)));
  }

  leaveRoom(request: LeaveRemoteRoomRequest) {
    const entry = entryOf({ ...request, serverNames: [] });
    return this.#run(keyOf('leave', request), () => this.rooms.leave(entry));
  }

  inviteUser({ roomId, sender, target, contentJson }: InviteRemoteUserRequest) {
    const key = JSON.stringify(['invite', roomId, sender, target]);
    const invite = () => this.rooms.invite(roomId, sender, target, contentOf(contentJson));
    return this.#event(key, invite);
  }

  claimInvite({ roomId, userId, sender, signedJson }: ClaimInviteRequest) {
    const invite = { roomId, sender, signed: JSON.parse(signedJson) as SignedForUser };
    const key = JSON.stringify(['claim', roomId, userId, sender, signedJson]);
    return this.#run(key, () => this.addresses.claim(userId, invite));
  }

  fetchHistory({ roomId, maxDepth }: FetchHistoryRequest) {
    return this.#run(JSON.stringify(['history', roomId]), () => this.history.fetch(roomId, maxDepth));
  }

  fetchEventNearTime(request: FetchEventNearTimeRequest) {
    const { roomId, ts, backwards, knownTs } = request;
    return this.#event(JSON.stringify(['near', roomId, ts, backwards, knownTs]), () => this.nearest.fetch(request));
  }

  async #event(key: string, work: () => Promise<string | undefined>): Promise<RemoteRoomResponse> {
    const progress = await this.#running.run(key, work);
    return progress.pending ? { pending: true } : { pending: false, eventId: progress.result as string | undefined };
  }

  async #run(key: string, work: () => Promise<unknown>): Promise<RemoteRoomResponse> {
    return { pending: (await this.#running.run(key, work)).pending };
  }

  /** Waits for what runs. */
  close(): Promise<void> {
    return this.#running.close();
  }
}

function keyOf(what: string, { roomId, userId }: { roomId: string; userId: string }): string {
  return JSON.stringify([what, roomId, userId]);
}

function entryOf({ roomId, userId, serverNames, contentJson, guest }: EnterRemoteRoomRequest) {
  return { roomId, userId, serverNames, content: contentOf(contentJson), guest };
}

function contentOf(json: string): JsonObject {
  return json === '' ? {} : (JSON.parse(json) as JsonObject);
}
