import { MatrixError } from '@ganglion/contracts';
import { Authenticated, Query, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { parseUserId } from '@ganglion/protocol';
import { Controller, Get, Inject, Optional } from '@nestjs/common';
import { Previews } from '../domain/previews/previews.js';
import { type PreviewQuery, previewQuery } from './parameters.js';

@Controller()
@Authenticated()
@RateLimited('previews')
export class PreviewsController {
  constructor(@Optional() @Inject(Previews) private readonly previews: Previews | undefined) {}

  /**
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediapreview_url
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixmediav3preview_url
   */
  @Get(['_matrix/client/v1/media/preview_url', '_matrix/media/v3/preview_url'])
  async getUrlPreviewAuthed(@RequestedBy() { userId }: Requester, @Query(previewQuery) { url }: PreviewQuery) {
    if (!this.previews) throw new MatrixError(404, 'M_UNRECOGNIZED', 'This server makes no previews of URLs');
    return this.previews.get(url, parseUserId(userId).serverName);
  }
}
