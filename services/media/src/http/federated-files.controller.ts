import { type Asked, AskedBy, FederationGuard } from '@ganglion/federation';
import { Path, Query } from '@ganglion/http';
import { Controller, Get, Inject, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { FileAnswers } from './file-answers.js';
import { sendMultipart } from './multipart-answer.js';
import {
  type FederatedQuery,
  type FederatedThumbnailQuery,
  federatedQuery,
  federatedThumbnailQuery,
  type MediaPath,
  mediaPath,
} from './parameters.js';

/** What other servers get of our files. */
@Controller('_matrix/federation/v1/media')
@UseGuards(FederationGuard)
export class FederatedFilesController {
  constructor(@Inject(FileAnswers) private readonly files: FileAnswers) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1mediadownloadmediaid */
  @Get('download/:mediaId')
  async getContent(
    @AskedBy() { destination: serverName }: Asked,
    @Path(mediaPath) { mediaId }: MediaPath,
    @Query(federatedQuery) query: FederatedQuery,
    @Res() reply: FastifyReply,
  ) {
    await sendMultipart(reply, await this.files.file({ name: { serverName, mediaId }, query, authenticated: true }));
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1mediathumbnailmediaid */
  @Get('thumbnail/:mediaId')
  async getContentThumbnail(
    @AskedBy() { destination: serverName }: Asked,
    @Path(mediaPath) { mediaId }: MediaPath,
    @Query(federatedThumbnailQuery) query: FederatedThumbnailQuery,
    @Res() reply: FastifyReply,
  ) {
    const question = { name: { serverName, mediaId }, query, authenticated: true };
    await sendMultipart(reply, await this.files.thumbnail(question));
  }
}
