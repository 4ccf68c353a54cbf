import { MembershipAction } from '@ganglion/contracts/room';
import {
  Authenticated,
  JsonBody,
  Path,
  parseBody,
  Query,
  RateLimited,
  RequestedBy,
  type Requester,
  StoredJsonBody,
} from '@ganglion/http';
import { jsonObject } from '@ganglion/http/values';
import type { JsonObject } from '@ganglion/protocol';
import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import type { z } from 'zod';
import { type InvitedAddress, inviteAddress } from '../domain/address-invites.js';
import { changeMembership, type ResolvedRoom, resolveRoom } from '../domain/membership.js';
import { MembershipLimits } from '../domain/membership-limits.js';
import type { Owners } from '../domain/ports.js';
import { claimInvite } from '../domain/remote-membership.js';
import {
  invitedAddress,
  joinBody,
  reasonBody,
  roomIdOrAliasPath,
  roomPath,
  targetBody,
  viaQuery,
} from './parameters.js';
import { OWNERS } from './tokens.js';

type RoomPath = z.infer<typeof roomPath>;
type RoomIdOrAlias = z.infer<typeof roomIdOrAliasPath>;
type Reason = z.infer<typeof reasonBody>;
type Join = z.infer<typeof joinBody>;
type Target = z.infer<typeof targetBody>;
type Via = z.infer<typeof viaQuery>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#room-membership */
@Controller('_matrix/client/v3')
@Authenticated()
export class MembershipController {
  constructor(
    @Inject(OWNERS) private readonly owners: Owners,
    @Inject(MembershipLimits) private readonly limits: MembershipLimits,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3joinroomidoralias */
  @Post('join/:roomIdOrAlias')
  @HttpCode(200)
  @RateLimited('joins')
  @Authenticated({ guests: true })
  async joinRoom(
    @RequestedBy() requester: Requester,
    @Path(roomIdOrAliasPath) { roomIdOrAlias }: RoomIdOrAlias,
    @Query(viaQuery) via: Via,
    @StoredJsonBody(joinBody) body: Join,
  ) {
    return this.#enter(requester, await resolveRoom(this.owners, roomIdOrAlias), MembershipAction.JOIN, body, via);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3knockroomidoralias */
  @Post('knock/:roomIdOrAlias')
  @HttpCode(200)
  @RateLimited('joins')
  async knockRoom(
    @RequestedBy() requester: Requester,
    @Path(roomIdOrAliasPath) { roomIdOrAlias }: RoomIdOrAlias,
    @Query(viaQuery) via: Via,
    @JsonBody(reasonBody) { reason }: Reason,
  ) {
    return this.#enter(
      requester,
      await resolveRoom(this.owners, roomIdOrAlias),
      MembershipAction.KNOCK,
      { reason },
      via,
    );
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidjoin */
  @Post('rooms/:roomId/join')
  @HttpCode(200)
  @RateLimited('joins')
  @Authenticated({ guests: true })
  joinRoomById(
    @RequestedBy() requester: Requester,
    @Path(roomPath) { roomId }: RoomPath,
    @StoredJsonBody(joinBody) body: Join,
  ) {
    return this.#enter(requester, { roomId, servers: [] }, MembershipAction.JOIN, body, []);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidleave */
  @Post('rooms/:roomId/leave')
  @HttpCode(200)
  @RateLimited('memberships')
  @Authenticated({ guests: true, suspended: true })
  leaveRoom(
    @RequestedBy() { userId }: Requester,
    @Path(roomPath) { roomId }: RoomPath,
    @JsonBody(reasonBody) { reason }: Reason,
  ) {
    return this.#change(userId, roomId, MembershipAction.LEAVE, { user_id: userId, reason });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidinvite */
  @Post('rooms/:roomId/invite')
  @HttpCode(200)
  @RateLimited('invites')
  async inviteUser(
    @RequestedBy() { userId }: Requester,
    @Path(roomPath) { roomId }: RoomPath,
    @JsonBody(jsonObject) body: JsonObject,
  ) {
    if (!isOfAddress(body)) return this.#change(userId, roomId, MembershipAction.INVITE, parseBody(targetBody, body));
    return this.#inviteBy3PID(userId, roomId, parseBody(invitedAddress, body), parseBody(reasonBody, body));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidkick */
  @Post('rooms/:roomId/kick')
  @HttpCode(200)
  @RateLimited('memberships')
  kick(@RequestedBy() { userId }: Requester, @Path(roomPath) { roomId }: RoomPath, @JsonBody(targetBody) body: Target) {
    return this.#change(userId, roomId, MembershipAction.KICK, body);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidban */
  @Post('rooms/:roomId/ban')
  @HttpCode(200)
  @RateLimited('memberships')
  ban(@RequestedBy() { userId }: Requester, @Path(roomPath) { roomId }: RoomPath, @JsonBody(targetBody) body: Target) {
    return this.#change(userId, roomId, MembershipAction.BAN, body);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidunban */
  @Post('rooms/:roomId/unban')
  @HttpCode(200)
  @RateLimited('memberships')
  unban(
    @RequestedBy() { userId }: Requester,
    @Path(roomPath) { roomId }: RoomPath,
    @JsonBody(targetBody) body: Target,
  ) {
    return this.#change(userId, roomId, MembershipAction.UNBAN, body);
  }

  async #enter(
    { userId, guest }: Requester,
    { roomId, servers }: ResolvedRoom,
    action: MembershipAction,
    { reason, third_party_signed: signed, ...rest }: Partial<Join>,
    asked: Via,
  ) {
    const { membership: _, join_authorised_via_users_server: __, ...content } = rest;
    const via = [...asked, ...servers];
    const self = { sender: userId, target: userId, guest };
    const request = { roomId, ...self, action, reason, content: content as JsonObject, via };
    if (action === MembershipAction.JOIN) await this.limits.joined(roomId);
    if (signed !== undefined) await claimInvite(this.owners, roomId, userId, signed);
    await changeMembership(this.owners, request);
    return { room_id: roomId };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#thirdparty_post_matrixclientv3roomsroomidinvite */
  async #inviteBy3PID(sender: string, roomId: string, invited: InvitedAddress, { reason }: Reason) {
    await this.limits.invited(roomId);
    await inviteAddress(this.owners, { ...invited, roomId, sender, reason });
    return {};
  }

  async #change(sender: string, roomId: string, action: MembershipAction, { user_id: target, reason }: Target) {
    if (action === MembershipAction.INVITE) await this.limits.invited(roomId);
    await changeMembership(this.owners, { roomId, sender, target, action, reason });
    return {};
  }
}

/** One path is for those who are known by their user id and for those who are not. */
function isOfAddress(body: JsonObject): boolean {
  return body.user_id === undefined && (body.medium ?? body.address ?? body.id_server) !== undefined;
}
