import { Authenticated, Path, RateLimited, RequestedBy, type Requester, StoredJsonBody } from '@ganglion/http';
import { Controller, Delete, Get, HttpCode, Inject, Post, Put } from '@nestjs/common';
import type { z } from 'zod';
import { Backups } from '../domain/backups.js';
import { invalidParam } from '../domain/failures.js';
import type { Backup } from '../domain/ports.js';
import { backupBody, type VersionPath, versionPath } from './backup-bodies.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups */
@Controller('_matrix/client/v3/room_keys/version')
@Authenticated({ suspended: true })
export class BackupVersionsController {
  constructor(@Inject(Backups) private readonly backups: Backups) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3room_keysversion */
  @Post()
  @HttpCode(200)
  @RateLimited('keys')
  async postRoomKeysVersion(
    @RequestedBy() { userId }: Requester,
    @StoredJsonBody(backupBody) body: z.output<typeof backupBody>,
  ) {
    return { version: await this.backups.create(userId, body) };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keysversion */
  @Get()
  @RateLimited('keys')
  async getRoomKeysVersionCurrent(@RequestedBy() { userId }: Requester) {
    return backupAnswer(await this.backups.current(userId));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keysversionversion */
  @Get(':version')
  @RateLimited('keys')
  async getRoomKeysVersion(@RequestedBy() { userId }: Requester, @Path(versionPath) { version }: VersionPath) {
    return backupAnswer(await this.backups.find(userId, version));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keysversionversion */
  @Put(':version')
  @RateLimited('keys')
  async putRoomKeysVersion(
    @RequestedBy() { userId }: Requester,
    @Path(versionPath) { version }: VersionPath,
    @StoredJsonBody(backupBody) body: z.output<typeof backupBody>,
  ) {
    if (body.version !== undefined && body.version !== version) {
      throw invalidParam('version is not the one in the path');
    }
    await this.backups.update(userId, version, body);
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keysversionversion */
  @Delete(':version')
  @RateLimited('keys')
  async deleteRoomKeysVersion(@RequestedBy() { userId }: Requester, @Path(versionPath) { version }: VersionPath) {
    await this.backups.remove(userId, version);
    return {};
  }
}

function backupAnswer({ algorithm, authData, count, etag, version }: Backup) {
  return { algorithm, auth_data: JSON.parse(authData), count, etag: String(etag), version: String(version) };
}
