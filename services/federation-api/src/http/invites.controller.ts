import { type Asked, AskedBy, FederationGuard, SignedBody } from '@ganglion/federation';
import { AnswersJsonText, Path } from '@ganglion/http';
import { jsonObject, text } from '@ganglion/http/values';
import { isJsonObject } from '@ganglion/protocol';
import { Controller, Inject, Put, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { Memberships } from '../domain/serving/memberships.js';
import { roomEventPath } from './parameters.js';

type RoomEventPath = z.infer<typeof roomEventPath>;

/** What a user may know of a room before they have answered. */
const roomState = z.array(jsonObject).max(200);
const inviteBody = z.object({ room_version: text, event: jsonObject, invite_room_state: roomState.default([]) });
/** Nobody asked in this way in rooms whose events are named otherwise. */
const VERSION_OF_V1 = '1';

/** How users of other servers invite ours. */
@Controller('_matrix/federation')
@UseGuards(FederationGuard)
export class InvitesController {
  constructor(@Inject(Memberships) private readonly memberships: Memberships) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1inviteroomideventid */
  @Put('v1/invite/:roomId/:eventId')
  @AnswersJsonText()
  async sendInviteV1(
    @AskedBy() { origin }: Asked,
    @Path(roomEventPath) path: RoomEventPath,
    @SignedBody(jsonObject) event: z.infer<typeof jsonObject>,
  ) {
    const { unsigned } = event;
    const given = isJsonObject(unsigned) ? roomState.safeParse(unsigned.invite_room_state).data : undefined;
    const pduJson = await this.memberships.invite({
      ...{ origin, ...path, event, roomVersion: VERSION_OF_V1, inviteRoomState: given ?? [] },
    });
    return `[200,{"event":${pduJson}}]`;
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid */
  @Put('v2/invite/:roomId/:eventId')
  @AnswersJsonText()
  async sendInviteV2(
    @AskedBy() { origin }: Asked,
    @Path(roomEventPath) path: RoomEventPath,
    @SignedBody(inviteBody) body: z.infer<typeof inviteBody>,
  ) {
    const { event, room_version: roomVersion, invite_room_state: inviteRoomState } = body;
    const pduJson = await this.memberships.invite({ origin, ...path, event, roomVersion, inviteRoomState });
    return `{"event":${pduJson}}`;
  }
}
