import {
  Authenticated,
  Incoming,
  Path,
  Query,
  RateLimited,
  RequestedBy,
  type Requester,
  StreamedBody,
} from '@ganglion/http';
import { Controller, HttpCode, Inject, Post, Put } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Uploads } from '../domain/uploads.js';
import { takeIn } from './incoming-file.js';
import { type FilePath, filePath, type UploadQuery, uploadQuery } from './parameters.js';
import { SETTINGS, type Settings } from './settings.js';

@Controller('_matrix/media')
@Authenticated()
@RateLimited('uploads')
export class UploadsController {
  constructor(
    @Inject(Uploads) private readonly uploads: Uploads,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav3upload */
  @Post('v3/upload')
  @HttpCode(200)
  @StreamedBody()
  async uploadContent(
    @RequestedBy() { userId }: Requester,
    @Query(uploadQuery) { filename: fileName }: UploadQuery,
    @Incoming() request: FastifyRequest,
  ) {
    const { uploadIdleMs } = this.settings;
    const uri = await takeIn(request, { userId, fileName }, uploadIdleMs, (file) => this.uploads.upload(file));
    return { content_uri: uri };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav1create */
  @Post('v1/create')
  @HttpCode(200)
  async createContent(@RequestedBy() { userId }: Requester) {
    const { uri, expiresAtMs } = await this.uploads.create(userId);
    return { content_uri: uri, unused_expires_at: expiresAtMs };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixmediav3uploadservernamemediaid */
  @Put('v3/upload/:serverName/:mediaId')
  @StreamedBody()
  async uploadContentToMXC(
    @RequestedBy() { userId }: Requester,
    @Path(filePath) name: FilePath,
    @Query(uploadQuery) { filename: fileName }: UploadQuery,
    @Incoming() request: FastifyRequest,
  ) {
    const { uploadIdleMs } = this.settings;
    await takeIn(request, { userId, fileName }, uploadIdleMs, (file) => this.uploads.uploadTo(name, file));
    return {};
  }
}
