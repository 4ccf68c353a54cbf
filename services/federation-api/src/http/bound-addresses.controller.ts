import { JsonBody, RateLimited } from '@ganglion/http';
import { roomId, text, userId } from '@ganglion/http/values';
import { Controller, Inject, Put } from '@nestjs/common';
import { z } from 'zod';
import { BoundAddresses } from '../domain/serving/bound-addresses.js';
import { signedForUser } from './third-party-invites.controller.js';

const MOST_INVITES = 50;

const invite = z
  .object({ mxid: userId, room_id: roomId, sender: userId, signed: signedForUser })
  .transform(({ room_id, sender, signed }) => ({ roomId: room_id, sender, signed }));
const boundBody = z.object({
  ...{ medium: text, address: text, mxid: userId },
  invites: z.array(invite).max(MOST_INVITES),
});

/** What identity servers tell. They do not say who they are: what they have signed is looked at where the invites come from. */
@Controller('_matrix/federation/v1/3pid')
export class BoundAddressesController {
  constructor(@Inject(BoundAddresses) private readonly addresses: BoundAddresses) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv13pidonbind */
  @Put('onbind')
  @RateLimited('lookups')
  async onBindThirdPartyIdentifier(@JsonBody(boundBody) { mxid, invites }: z.infer<typeof boundBody>) {
    await this.addresses.bound({ userId: mxid, invites });
    return {};
  }
}
