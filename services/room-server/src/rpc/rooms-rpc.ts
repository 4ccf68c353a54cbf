import { isMatrixError, MatrixError } from '@ganglion/contracts';
import {
  type ChangeMembershipRequest,
  type CreateRoomRequest,
  type FindSentEventRequest,
  MembershipAction,
  type Rooms,
  type SendEventRequest,
  type SendEventResponse,
  type UpdateProfileRequest,
} from '@ganglion/contracts/room';
import type { MembershipAction as Action, JsonObject } from '@ganglion/protocol';
import { checkCanonicalAlias } from '../domain/canonical-alias.js';
import { changeMembership, checkIsSignedHere, sendMembership } from '../domain/change-membership.js';
import { type CreateRoomDependencies, createRoom } from '../domain/create-room.js';
import type { Directory } from '../domain/directory.js';
import type { LocalPlacement } from '../domain/placement/local-placement.js';
import type { RoomStore } from '../domain/ports/rooms.js';
import { command } from '../domain/room-actor.js';
import type { RoomActors } from '../domain/room-actors.js';
import { sendEvent, sentBefore } from '../domain/send-event.js';
import { updateProfile } from '../domain/update-profile.js';
import { checkFitsRoom, checkWellFormed } from '../domain/well-formed.js';
import { whenWhole } from './when-whole.js';

const ACTIONS: Readonly<Record<number, Action>> = {
  [MembershipAction.JOIN]: 'join',
  [MembershipAction.LEAVE]: 'leave',
  [MembershipAction.INVITE]: 'invite',
  [MembershipAction.KICK]: 'kick',
  [MembershipAction.BAN]: 'ban',
  [MembershipAction.UNBAN]: 'unban',
  [MembershipAction.KNOCK]: 'knock',
};

const parseContent = (json: string): JsonObject => (json === '' ? {} : (JSON.parse(json) as JsonObject));

const ROOMS_AT_ONCE = 8;

/** One room whose rules do not let its members change must not keep the others from showing the new profile. */
function notIfRefused(error: unknown): false {
  if (isMatrixError(error) && error.status < 500) return false;
  throw error;
}

/** Changes to rooms, as other services ask for them. */
export class RoomsRpc implements Rooms {
  constructor(
    private readonly actors: RoomActors,
    private readonly store: RoomStore,
    private readonly creation: CreateRoomDependencies,
    private readonly serverNames: readonly string[],
    private readonly directory: Directory,
  ) {}

  async createRoom(request: CreateRoomRequest) {
    const events = request.events.map(({ type, stateKey, contentJson }) => ({
      type,
      stateKey: stateKey ?? '',
      content: parseContent(contentJson),
    }));
    for (const event of events) checkIsSignedHere(event, this.serverNames);
    const { roomVersion, creator, alias, published } = request;
    const room = { roomVersion, creator, alias, published, events, originServerTs: Date.now() };
    return { roomId: await createRoom(this.creation, room) };
  }

  async findSentEvent({ roomId, transaction }: FindSentEventRequest): Promise<SendEventResponse> {
    if (transaction === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'The request names no transaction');
    return { ...(await this.actors.run(roomId, sentBefore(this.store, transaction))), roomId };
  }

  async sendEvent(request: SendEventRequest): Promise<SendEventResponse> {
    const { roomId, sender, event, transaction, redacts } = request;
    const draft = {
      type: event?.type ?? '',
      stateKey: event?.stateKey,
      sender,
      content: parseContent(event?.contentJson ?? ''),
      redacts,
      redactsOwnOnly: request.redactsOwnOnly,
      originServerTs: request.originServerTs ?? Date.now(),
    };
    checkWellFormed({ ...draft, roomId });
    const isMember = draft.type === 'm.room.member' && draft.stateKey !== undefined;
    const send = isMember
      ? sendMembership(this.store, draft, this.serverNames, transaction)
      : sendEvent(this.store, draft, transaction);
    const check = async (room: LocalPlacement) => {
      if (draft.stateKey === '') checkFitsRoom(room.head, draft);
      if (draft.type === 'm.room.canonical_alias' && draft.stateKey === '') {
        const current = room.head.shownContent('m.room.canonical_alias', '');
        await checkCanonicalAlias(this.directory, this.serverNames, roomId, current, draft.content);
      }
      return send(room);
    };
    const checked = command(send.looksAt ?? [], check, { isForBlocked: send.isForBlocked ?? false });
    const sent = await whenWhole(() => this.actors.run(roomId, checked));
    return { ...sent, roomId };
  }

  async changeMembership(request: ChangeMembershipRequest): Promise<SendEventResponse> {
    const { roomId, sender, target } = request;
    const action = ACTIONS[request.action];
    if (action === undefined) throw new Error(`unknown membership action ${request.action}`);
    const change = {
      sender,
      target,
      action,
      content: parseContent(request.contentJson),
      originServerTs: Date.now(),
      serverNames: this.serverNames,
      guest: request.guest,
      requestId: request.requestId,
    };
    const sent = await whenWhole(() => this.actors.run(roomId, changeMembership(this.store, change)));
    return { ...sent, roomId };
  }

  async updateProfile({ userId, contentJson }: UpdateProfileRequest) {
    const joined = await this.store.listMemberships(userId, ['join']);
    const change = { userId, content: parseContent(contentJson), originServerTs: Date.now() };
    const waiting = joined.values();
    let roomsUpdated = 0;
    const work = async () => {
      for (const { roomId } of waiting) {
        const command = updateProfile(this.store, change);
        if (await this.actors.run(roomId, command).catch(notIfRefused)) roomsUpdated += 1;
      }
    };
    // A user may be in thousands of rooms, most of which have to be loaded for this.
    await Promise.all(Array.from({ length: ROOMS_AT_ONCE }, work));
    return { roomsUpdated };
  }
}
