import { Readable } from 'node:stream';
import {
  AnswersJsonText,
  Authenticated,
  LargeBody,
  Path,
  Query,
  RateLimited,
  RequestedBy,
  type Requester,
  StoredJsonBody,
} from '@ganglion/http';
import { Controller, Delete, Get, Inject, Put } from '@nestjs/common';
import { Backups } from '../domain/backups.js';
import type { BackupKey, SessionKey } from '../domain/ports.js';
import {
  allKeysBody,
  keyBody,
  keyText,
  type RoomPath,
  roomKeysBody,
  roomPath,
  roomsText,
  type SessionPath,
  sessionPath,
  sessionsText,
  type VersionPath,
  versionQuery,
} from './backup-bodies.js';

/** A client that begins a backup of years of sessions puts thousands of them at once. */
const MAX_BYTES = 16 * 1_048_576;

/** @see https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups */
@Controller('_matrix/client/v3/room_keys/keys')
@Authenticated({ suspended: true })
export class BackupKeysController {
  constructor(@Inject(Backups) private readonly backups: Backups) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeysroomidsessionid */
  @Put(':roomId/:sessionId')
  @RateLimited('keys')
  putRoomKeyBySessionId(
    @RequestedBy() { userId }: Requester,
    @Path(sessionPath) path: SessionPath,
    @Query(versionQuery) { version }: VersionPath,
    @StoredJsonBody(keyBody) key: BackupKey,
  ) {
    return this.backups.putKeys(userId, version, [{ ...path, ...key }]);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeysroomid */
  @Put(':roomId')
  @LargeBody(MAX_BYTES)
  @RateLimited('keys')
  putRoomKeysByRoomId(
    @RequestedBy() { userId }: Requester,
    @Path(roomPath) { roomId }: RoomPath,
    @Query(versionQuery) { version }: VersionPath,
    @StoredJsonBody(roomKeysBody) keys: readonly Omit<SessionKey, 'roomId'>[],
  ) {
    const ofRoom = keys.map((key) => ({ roomId, ...key }));
    return this.backups.putKeys(userId, version, ofRoom);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeys */
  @Put()
  @LargeBody(MAX_BYTES)
  @RateLimited('keys')
  putRoomKeys(
    @RequestedBy() { userId }: Requester,
    @Query(versionQuery) { version }: VersionPath,
    @StoredJsonBody(allKeysBody) keys: readonly SessionKey[],
  ) {
    return this.backups.putKeys(userId, version, keys);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeysroomidsessionid */
  @Get(':roomId/:sessionId')
  @RateLimited('keys')
  @AnswersJsonText()
  async getRoomKeyBySessionId(
    @RequestedBy() { userId }: Requester,
    @Path(sessionPath) path: SessionPath,
    @Query(versionQuery) { version }: VersionPath,
  ) {
    return keyText(await this.backups.key(userId, version, path));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeysroomid */
  @Get(':roomId')
  @RateLimited('keys')
  @AnswersJsonText()
  async getRoomKeysByRoomId(
    @RequestedBy() { userId }: Requester,
    @Path(roomPath) path: RoomPath,
    @Query(versionQuery) { version }: VersionPath,
  ) {
    return Readable.from(sessionsText(await this.backups.keys(userId, version, path)));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeys */
  @Get()
  @RateLimited('keys')
  @AnswersJsonText()
  async getRoomKeys(@RequestedBy() { userId }: Requester, @Query(versionQuery) { version }: VersionPath) {
    return Readable.from(roomsText(await this.backups.keys(userId, version, {})));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keyskeysroomidsessionid */
  @Delete(':roomId/:sessionId')
  @RateLimited('keys')
  deleteRoomKeyBySessionId(
    @RequestedBy() { userId }: Requester,
    @Path(sessionPath) path: SessionPath,
    @Query(versionQuery) { version }: VersionPath,
  ) {
    return this.backups.removeKeys(userId, version, path);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keyskeysroomid */
  @Delete(':roomId')
  @RateLimited('keys')
  deleteRoomKeysByRoomId(
    @RequestedBy() { userId }: Requester,
    @Path(roomPath) path: RoomPath,
    @Query(versionQuery) { version }: VersionPath,
  ) {
    return this.backups.removeKeys(userId, version, path);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keyskeys */
  @Delete()
  @RateLimited('keys')
  deleteRoomKeys(@RequestedBy() { userId }: Requester, @Query(versionQuery) { version }: VersionPath) {
    return this.backups.removeKeys(userId, version, {});
  }
}
