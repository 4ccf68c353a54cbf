import { Authenticated, Path, Query, RateLimited } from '@ganglion/http';
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

@Controller('_matrix/client/v1/media')
@Authenticated({ guests: true })
@RateLimited('downloads')
export class DownloadsController {
  constructor(@Inject(FileAnswers) private readonly files: FileAnswers) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaid */
  @Get('download/:serverName/:mediaId')
  getContentAuthed(
    @Path(filePath) name: FilePath,
    @Query(downloadQuery) query: DownloadQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.files.send(request, reply, { name, query, authenticated: true });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaidfilename */
  @Get('download/:serverName/:mediaId/:fileName')
  getContentOverrideNameAuthed(
    @Path(namedFilePath) { fileName, ...name }: NamedFilePath,
    @Query(downloadQuery) query: DownloadQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.files.send(request, reply, { name, query, authenticated: true, fileName });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediathumbnailservernamemediaid */
  @Get('thumbnail/:serverName/:mediaId')
  getContentThumbnailAuthed(
    @Path(filePath) name: FilePath,
    @Query(thumbnailQuery) query: ThumbnailQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.files.sendThumbnail(request, reply, { name, query, authenticated: true });
  }
}
