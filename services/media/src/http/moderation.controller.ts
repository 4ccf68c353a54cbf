import { Authenticated, Path, Query, RequestedBy, type Requester } from '@ganglion/http';
import { Controller, Delete, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { mxcUri } from '../domain/media-ids.js';
import { Moderation } from '../domain/moderation.js';
import type { FileName } from '../domain/ports/file-store.js';
import { fileAccount } from './file-account.js';
import {
  type DeleteQuery,
  deleteQuery,
  type FilePath,
  filePath,
  type MediaPath,
  mediaPath,
  type PageQuery,
  type PurgeQuery,
  pageQuery,
  purgeQuery,
  type RoomPath,
  roomPath,
  type UserPath,
  userPath,
} from './moderation-parameters.js';

/** What administrators do with files, at the place where Synapse's tools look for it. */
@Controller('_synapse/admin/v1')
@Authenticated({ admins: true })
export class ModerationController {
  constructor(@Inject(Moderation) private readonly moderation: Moderation) {}

  @Post('media/quarantine/:serverName/:mediaId')
  @HttpCode(200)
  async quarantineMedia(@RequestedBy() requester: Requester, @Path(filePath) name: FilePath) {
    await this.moderation.quarantine(name, by(requester));
    return {};
  }

  @Post('media/unquarantine/:serverName/:mediaId')
  @HttpCode(200)
  async unquarantineMedia(@RequestedBy() requester: Requester, @Path(filePath) name: FilePath) {
    await this.moderation.unquarantine(name, by(requester));
    return {};
  }

  @Post('media/protect/:mediaId')
  @HttpCode(200)
  async protectMedia(@RequestedBy() requester: Requester, @Path(mediaPath) { mediaId }: MediaPath) {
    await this.moderation.protect(mediaId, true, by(requester));
    return {};
  }

  @Post('media/unprotect/:mediaId')
  @HttpCode(200)
  async unprotectMedia(@RequestedBy() requester: Requester, @Path(mediaPath) { mediaId }: MediaPath) {
    await this.moderation.protect(mediaId, false, by(requester));
    return {};
  }

  @Delete('media/:serverName/:mediaId')
  async deleteMedia(@RequestedBy() requester: Requester, @Path(filePath) name: FilePath) {
    return deleted(await this.moderation.remove(name, by(requester)));
  }

  @Post('media/delete')
  @HttpCode(200)
  async deleteUnusedMedia(@RequestedBy() requester: Requester, @Query(deleteQuery) query: DeleteQuery) {
    return deleted(await this.moderation.removeUnused(query, by(requester)));
  }

  @Post('purge_media_cache')
  @HttpCode(200)
  async purgeRemoteMedia(@RequestedBy() requester: Requester, @Query(purgeQuery) { before_ts }: PurgeQuery) {
    return { deleted: await this.moderation.removeRemote(before_ts, by(requester)) };
  }

  @Get('users/:userId/media')
  async listUserMedia(@Path(userPath) { userId }: UserPath, @Query(pageQuery) page: PageQuery) {
    const { files, total } = await this.moderation.list(userId, page);
    const next = page.from + files.length;
    return { media: files.map(fileAccount), total, ...(next < total && { next_token: next }) };
  }

  @Delete('users/:userId/media')
  async deleteUserMedia(
    @RequestedBy() requester: Requester,
    @Path(userPath) { userId }: UserPath,
    @Query(pageQuery) { limit }: PageQuery,
  ) {
    return deleted(await this.moderation.removeOfUser(userId, limit, by(requester)));
  }

  @Post('user/:userId/media/quarantine')
  @HttpCode(200)
  async quarantineUserMedia(@RequestedBy() requester: Requester, @Path(userPath) { userId }: UserPath) {
    return { num_quarantined: await this.moderation.quarantineUser(userId, by(requester)) };
  }

  @Get('room/:roomId/media')
  async listRoomMedia(@Path(roomPath) { roomId }: RoomPath) {
    const { local, remote } = await this.moderation.ofRoom(roomId);
    return { local: local.map(mxcUri), remote: remote.map(mxcUri) };
  }

  @Post('room/:roomId/media/quarantine')
  @HttpCode(200)
  async quarantineRoomMedia(@RequestedBy() requester: Requester, @Path(roomPath) { roomId }: RoomPath) {
    return { num_quarantined: await this.moderation.quarantineRoom(roomId, by(requester)) };
  }

  @Delete('room/:roomId/media')
  async deleteRoomMedia(@RequestedBy() requester: Requester, @Path(roomPath) { roomId }: RoomPath) {
    return deleted(await this.moderation.removeOfRoom(roomId, by(requester)));
  }
}

function by({ userId: actor }: Requester): { actor: string } {
  return { actor };
}

function deleted(names: readonly FileName[]) {
  return { deleted_media: names.map(({ mediaId }) => mediaId), total: names.length };
}
