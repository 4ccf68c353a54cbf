import { Authenticated, Path, RateLimited, RequestedBy, type Requester, StoredNumbersBody } from '@ganglion/http';
import { jsonObject, text } from '@ganglion/http/values';
import type { JsonObject } from '@ganglion/protocol';
import { Controller, Delete, Get, Inject, Put } from '@nestjs/common';
import { z } from 'zod';
import { Tags } from '../domain/tags.js';

const roomPath = z.object({ userId: text, roomId: text.min(1) });
const tagPath = roomPath.extend({ tag: text });
const tagBody = jsonObject.default({});

type RoomPath = z.output<typeof roomPath>;
type TagPath = z.output<typeof tagPath>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#room-tagging */
@Controller('_matrix/client/v3/user/:userId/rooms/:roomId/tags')
export class TagController {
  constructor(@Inject(Tags) private readonly tags: Tags) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridroomsroomidtags */
  @Get()
  @Authenticated()
  async getRoomTags(@RequestedBy() requester: Requester, @Path(roomPath) room: RoomPath) {
    return { tags: await this.tags.list(requester, room) };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridroomsroomidtagstag */
  @Put(':tag')
  @RateLimited('account_data')
  @Authenticated({ suspended: true })
  async setRoomTag(
    @RequestedBy() requester: Requester,
    @Path(tagPath) { tag, ...room }: TagPath,
    @StoredNumbersBody(tagBody) content: JsonObject,
  ) {
    await this.tags.set(requester, room, tag, content);
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3useruseridroomsroomidtagstag */
  @Delete(':tag')
  @RateLimited('account_data')
  @Authenticated({ suspended: true })
  async deleteRoomTag(@RequestedBy() requester: Requester, @Path(tagPath) { tag, ...room }: TagPath) {
    await this.tags.delete(requester, room, tag);
    return {};
  }
}
