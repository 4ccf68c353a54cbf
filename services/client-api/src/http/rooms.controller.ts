import type { Config } from '@ganglion/config';
import {
  Authenticated,
  JsonBody,
  Path,
  RateLimited,
  RequestedBy,
  type Requester,
  StoredJsonBody,
} from '@ganglion/http';
import { orElse, text, userId } from '@ganglion/http/values';
import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { createRoom } from '../domain/create-room.js';
import { MembershipLimits } from '../domain/membership-limits.js';
import type { Owners } from '../domain/ports.js';
import { upgradeRoom } from '../domain/upgrade-room.js';
import { createRoomBody } from './create-room.schema.js';
import { roomPath } from './parameters.js';
import { OWNERS, ROOMS_CONFIG } from './tokens.js';

const upgradeBody = z.object({ new_version: text, additional_creators: orElse(z.array(userId).max(100), []) });

@Controller('_matrix/client/v3')
@Authenticated()
export class RoomsController {
  constructor(
    @Inject(OWNERS) private readonly owners: Owners,
    @Inject(ROOMS_CONFIG) private readonly config: Config['rooms'],
    @Inject(MembershipLimits) private readonly limits: MembershipLimits,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom */
  @Post('createRoom')
  @HttpCode(200)
  @RateLimited('room_creation')
  async createRoom(
    @RequestedBy() { userId }: Requester,
    @StoredJsonBody(createRoomBody) body: z.infer<typeof createRoomBody>,
  ) {
    const invitees = body.invite.filter((invitee) => invitee !== userId);
    await this.limits.newRoom(userId, invitees, body.initial_state, body.invite_3pid.length);
    const room_id = await createRoom(this.owners, {
      creator: userId,
      roomVersion: body.room_version ?? this.config.default_version,
      visibility: body.visibility,
      preset: body.preset,
      aliasLocalpart: body.room_alias_name,
      name: body.name,
      topic: body.topic,
      invitees,
      invitedAddresses: body.invite_3pid,
      creationContent: body.creation_content,
      initialState: body.initial_state,
      powerLevelOverride: body.power_level_content_override,
      isDirect: body.is_direct,
    });
    return { room_id };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidupgrade */
  @Post('rooms/:roomId/upgrade')
  @HttpCode(200)
  @RateLimited('room_creation')
  async upgradeRoom(
    @RequestedBy() requester: Requester,
    @Path(roomPath) { roomId }: z.infer<typeof roomPath>,
    @JsonBody(upgradeBody) body: z.infer<typeof upgradeBody>,
  ) {
    const { new_version: newVersion, additional_creators: additionalCreators } = body;
    const request = { roomId, userId: requester.userId, newVersion, additionalCreators };
    return { replacement_room: await upgradeRoom(this.owners, request) };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3joined_rooms */
  @Get('joined_rooms')
  @RateLimited('room_reads')
  async getJoinedRooms(@RequestedBy() { userId }: Requester) {
    const { rooms } = await this.owners.roomReads.listMemberships({ userId, memberships: ['join'] });
    return { joined_rooms: rooms.map(({ roomId }) => roomId) };
  }
}
