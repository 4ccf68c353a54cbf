import { Authenticated, JsonBody, Path, RequestedBy, type Requester } from '@ganglion/http';
import { Controller, Get, Inject, Put } from '@nestjs/common';
import type { z } from 'zod';
import type { Owners } from '../domain/ports.js';
import { blockBody, roomPath } from './parameters.js';
import { OWNERS } from './tokens.js';

type RoomPath = z.infer<typeof roomPath>;

/** Rooms that administrators want nothing to do with, at the place where Synapse's tools look for it. */
@Controller('_synapse/admin/v1/rooms/:roomId/block')
@Authenticated({ admins: true })
export class RoomBlocksController {
  constructor(@Inject(OWNERS) private readonly owners: Owners) {}

  @Put()
  async setRoomBlocked(
    @RequestedBy() { userId }: Requester,
    @Path(roomPath) { roomId }: RoomPath,
    @JsonBody(blockBody) { block }: z.infer<typeof blockBody>,
  ) {
    await this.owners.roomBlocks.setRoomBlocked({ roomId, blocked: block, userId });
    return { block };
  }

  @Get()
  async getRoomBlocked(@Path(roomPath) { roomId }: RoomPath) {
    const { blockedBy } = await this.owners.roomBlocks.getRoomBlocked({ roomId });
    return blockedBy === undefined ? { block: false } : { block: true, user_id: blockedBy };
  }
}
