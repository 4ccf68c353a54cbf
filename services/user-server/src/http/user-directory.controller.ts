import { Authenticated, JsonBody, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { orAbsent, text } from '@ganglion/http/values';
import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { UserDirectory } from '../domain/user-directory.js';

const USUAL_LIMIT = 10;
const MOST_RESULTS = 50;

const searchBody = z.object({
  search_term: text.max(255, { error: 'this is too long' }),
  limit: orAbsent(z.int().min(0)).transform((limit) => Math.min(limit ?? USUAL_LIMIT, MOST_RESULTS)),
});

@Controller('_matrix/client/v3/user_directory')
@Authenticated()
export class UserDirectoryController {
  constructor(@Inject(UserDirectory) private readonly directory: UserDirectory) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3user_directorysearch */
  @Post('search')
  @HttpCode(200)
  @RateLimited('public_rooms')
  @Authenticated({ suspended: true })
  async searchUserDirectory(
    @RequestedBy() { userId }: Requester,
    @JsonBody(searchBody) { search_term, limit }: z.output<typeof searchBody>,
  ) {
    const { results, limited } = await this.directory.search(userId, search_term, limit);
    return {
      results: results.map(({ userId: user_id, displayName: display_name, avatarUrl: avatar_url }) => ({
        ...{ user_id, display_name, avatar_url },
      })),
      limited,
    };
  }
}
