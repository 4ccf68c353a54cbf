import { MatrixError } from '@ganglion/contracts';
import { type Asked, AskedBy, FederationGuard, SignedBody } from '@ganglion/federation';
import { Path } from '@ganglion/http';
import { jsonObject, text, userId } from '@ganglion/http/values';
import { Controller, Inject, Put, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { ExchangedInvites } from '../domain/serving/exchanged-invites.js';
import { roomPath } from './parameters.js';

/** Identity servers sign once: each more costs a look at it with each key of the invite. */
const MOST_SIGNATURES = 4;

const signatures = jsonObject.refine(
  (entities) => Object.values(entities).flatMap((byKeyId) => Object.keys(byKeyId ?? {})).length <= MOST_SIGNATURES,
  { message: `must hold at most ${MOST_SIGNATURES} signatures` },
);
/** Signed as a whole: what else stands in it stays. */
export const signedForUser = z.looseObject({ mxid: userId, token: text.max(255), signatures });
const exchangeBody = z.object({
  type: z.literal('m.room.member'),
  room_id: text.optional(),
  sender: userId,
  state_key: userId,
  content: z.object({
    membership: z.literal('invite'),
    third_party_invite: z.object({ display_name: text.max(1_000).optional(), signed: signedForUser }),
  }),
});

/** How users of other servers come by the invites that were sent to their addresses. */
@Controller('_matrix/federation/v1')
@UseGuards(FederationGuard)
export class ThirdPartyInvitesController {
  constructor(@Inject(ExchangedInvites) private readonly invites: ExchangedInvites) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1exchange_third_party_inviteroomid */
  @Put('exchange_third_party_invite/:roomId')
  async exchangeThirdPartyInvite(
    @AskedBy() { origin }: Asked,
    @Path(roomPath) { roomId }: z.infer<typeof roomPath>,
    @SignedBody(exchangeBody) body: z.infer<typeof exchangeBody>,
  ) {
    const { room_id, sender, state_key: target, content } = body;
    if (room_id !== undefined && room_id !== roomId) {
      throw new MatrixError(400, 'M_INVALID_PARAM', 'room_id is another one than that of the path');
    }
    await this.invites.exchange({ origin, roomId, sender, target, signed: content.third_party_invite.signed });
    return {};
  }
}
