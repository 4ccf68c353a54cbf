import { Authenticated, Path, PerhapsRequestedBy, Query, RateLimited, type Requester } from '@ganglion/http';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FileAnswers } from './file-answers.js';
import {
  type DownloadQuery,
  downloadQuery,
  type FilePath,
  filePath,
  type NamedFilePath,
  namedFilePath,
  type ThumbnailQuery,
  thumbnailQuery,
} from './parameters.js';

/**
 * The endpoints from before downloads were authenticated. Nobody has to show an access token; who shows one, as some libraries
 * for bots do, may have what others may not.
 */
@Controller('_matrix/media/v3')
@Authenticated({ guests: true, optional: true })
@RateLimited('downloads')
export class LegacyDownloadsController {
  constructor(@Inject(FileAnswers) private readonly files: FileAnswers) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixmediav3downloadservernamemediaid */
  @Get('download/:serverName/:mediaId')
  getContent(
    @PerhapsRequestedBy() requester: Requester | undefined,
    @Path(filePath) name: FilePath,
    @Query(downloadQuery) query: DownloadQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.files.send(request, reply, { name, query, authenticated: requester !== undefined });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixmediav3downloadservernamemediaidfilename */
  @Get('download/:serverName/:mediaId/:fileName')
  getContentOverrideName(
    @PerhapsRequestedBy() requester: Requester | undefined,
    @Path(namedFilePath) { fileName, ...name }: NamedFilePath,
    @Query(downloadQuery) query: DownloadQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.files.send(request, reply, { name, query, authenticated: requester !== undefined, fileName });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixmediav3thumbnailservernamemediaid */
  @Get('thumbnail/:serverName/:mediaId')
  getContentThumbnail(
    @PerhapsRequestedBy() requester: Requester | undefined,
    @Path(filePath) name: FilePath,
    @Query(thumbnailQuery) query: ThumbnailQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.files.sendThumbnail(request, reply, { name, query, authenticated: requester !== undefined });
  }
}
