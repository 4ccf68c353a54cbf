import type { RoomFederation } from '@ganglion/contracts/room';
import { type Asked, AskedBy, FederationGuard, SignedBody } from '@ganglion/federation';
import { AnswersJsonText, arrayOf, inObject, Path, Query, streamJson } from '@ganglion/http';
import { booleanText, jsonObject, severalOf, text } from '@ganglion/http/values';
import { Controller, Get, Inject, Put, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { Memberships } from '../domain/serving/memberships.js';
import { authBesideState, authOfStatePages, statePages } from '../domain/serving/room-pages.js';
import { roomEventPath, roomUserPath } from './parameters.js';
import { ROOM_FEDERATION } from './tokens.js';

type RoomUserPath = z.infer<typeof roomUserPath>;
type RoomEventPath = z.infer<typeof roomEventPath>;
type Event = z.infer<typeof jsonObject>;

/** Older servers do not say which versions they know. */
const versionsQuery = z.object({
  ver: severalOf(text)
    .transform((ver) => (ver.length === 0 ? ['1'] : ver))
    .default(['1']),
});
const sendJoinQuery = z.object({ omit_members: booleanText.default(false) });

/** How users of other servers join our rooms, leave them and knock at them. */
@Controller('_matrix/federation')
@UseGuards(FederationGuard)
export class MembershipsController {
  constructor(
    @Inject(ROOM_FEDERATION) private readonly rooms: RoomFederation,
    @Inject(Memberships) private readonly memberships: Memberships,
  ) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_joinroomiduserid */
  @Get('v1/make_join/:roomId/:userId')
  @AnswersJsonText()
  makeJoin(
    @AskedBy() { origin }: Asked,
    @Path(roomUserPath) path: RoomUserPath,
    @Query(versionsQuery) { ver }: z.infer<typeof versionsQuery>,
  ) {
    return this.#make(origin, path, 'join', ver);
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_leaveroomiduserid */
  @Get('v1/make_leave/:roomId/:userId')
  @AnswersJsonText()
  makeLeave(@AskedBy() { origin }: Asked, @Path(roomUserPath) path: RoomUserPath) {
    return this.#make(origin, path, 'leave', []);
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_knockroomiduserid */
  @Get('v1/make_knock/:roomId/:userId')
  @AnswersJsonText()
  makeKnock(
    @AskedBy() { origin }: Asked,
    @Path(roomUserPath) path: RoomUserPath,
    @Query(versionsQuery) { ver }: z.infer<typeof versionsQuery>,
  ) {
    return this.#make(origin, path, 'knock', ver);
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1send_joinroomideventid */
  @Put('v1/send_join/:roomId/:eventId')
  async sendJoinV1(
    @AskedBy() asked: Asked,
    @Path(roomEventPath) path: RoomEventPath,
    @SignedBody(jsonObject) event: Event,
  ) {
    const parts = await this.#join(asked, path, event, false);
    return streamJson(
      (async function* () {
        yield '[200,';
        yield* parts;
        yield ']';
      })(),
    );
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid */
  @Put('v2/send_join/:roomId/:eventId')
  async sendJoinV2(
    @AskedBy() asked: Asked,
    @Path(roomEventPath) path: RoomEventPath,
    @Query(sendJoinQuery) query: z.infer<typeof sendJoinQuery>,
    @SignedBody(jsonObject) event: Event,
  ) {
    return streamJson(await this.#join(asked, path, event, query.omit_members));
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1send_leaveroomideventid */
  @Put('v1/send_leave/:roomId/:eventId')
  async sendLeaveV1(
    @AskedBy() asked: Asked,
    @Path(roomEventPath) path: RoomEventPath,
    @SignedBody(jsonObject) event: Event,
  ) {
    await this.memberships.accept({ ...asked, ...path, membership: 'leave', event });
    return [200, {}];
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_leaveroomideventid */
  @Put('v2/send_leave/:roomId/:eventId')
  async sendLeaveV2(
    @AskedBy() asked: Asked,
    @Path(roomEventPath) path: RoomEventPath,
    @SignedBody(jsonObject) event: Event,
  ) {
    await this.memberships.accept({ ...asked, ...path, membership: 'leave', event });
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1send_knockroomideventid */
  @Put('v1/send_knock/:roomId/:eventId')
  @AnswersJsonText()
  async sendKnock(
    @AskedBy() asked: Asked,
    @Path(roomEventPath) path: RoomEventPath,
    @SignedBody(jsonObject) event: Event,
  ) {
    const { strippedStateJson } = await this.memberships.accept({ ...asked, ...path, membership: 'knock', event });
    return `{"knock_room_state":[${strippedStateJson.join()}]}`;
  }

  async #make(serverName: string, path: RoomUserPath, membership: string, supportedVersions: string[]) {
    const offered = await this.rooms.makeMembership({ serverName, ...path, membership, supportedVersions });
    return `{"event":${offered.eventJson},"room_version":${JSON.stringify(offered.roomVersion)}}`;
  }

  async #join({ origin, destination }: Asked, path: RoomEventPath, event: Event, omitMembers: boolean) {
    const accepted = await this.memberships.accept({ origin, destination, ...path, membership: 'join', event });
    const asked = { serverName: origin, ...path, idsOnly: false, omitMembers };
    const parts: Record<string, AsyncIterable<string>> = {
      origin: one(JSON.stringify(destination)),
      event: one(accepted.pduJson),
      members_omitted: one(String(omitMembers)),
      ...(omitMembers && { servers_in_room: one(JSON.stringify(accepted.serversInRoom)) }),
      auth_chain: arrayOf(omitMembers ? authBesideState(this.rooms, asked) : authOfStatePages(this.rooms, asked)),
      state: arrayOf(statePages(this.rooms, asked)),
    };
    return inObject(parts);
  }
}

async function* one(text: string): AsyncGenerator<string, void> {
  yield text;
}
