import {
  AnswersJsonText,
  Authenticated,
  JsonBody,
  RateLimited,
  RequestedBy,
  type Requester,
  StoredJsonBody,
} from '@ganglion/http';
import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import type { z } from 'zod';
import { KeyClaims } from '../domain/key-claims.js';
import { KeyQueries } from '../domain/key-queries.js';
import { KeyUploads } from '../domain/key-uploads.js';
import { claimBody, queryBody, uploadBody } from './key-bodies.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#key-distribution */
@Controller('_matrix/client/v3/keys')
@Authenticated({ guests: true, suspended: true })
export class KeysController {
  constructor(
    @Inject(KeyUploads) private readonly uploads: KeyUploads,
    @Inject(KeyQueries) private readonly queries: KeyQueries,
    @Inject(KeyClaims) private readonly claims: KeyClaims,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysupload */
  @Post('upload')
  @HttpCode(200)
  @RateLimited('keys')
  async uploadKeys(@RequestedBy() requester: Requester, @StoredJsonBody(uploadBody) body: z.output<typeof uploadBody>) {
    return { one_time_key_counts: await this.uploads.upload(requester, body) };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery */
  @Post('query')
  @HttpCode(200)
  @RateLimited('keys')
  @AnswersJsonText()
  queryKeys(@RequestedBy() { userId }: Requester, @JsonBody(queryBody) body: z.output<typeof queryBody>) {
    return this.queries.query(userId, body);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysclaim */
  @Post('claim')
  @HttpCode(200)
  @RateLimited('keys')
  @AnswersJsonText()
  async claimKeys(@JsonBody(claimBody) body: z.output<typeof claimBody>) {
    const { failures, oneTimeKeys } = await this.claims.claim(body);
    return `{"failures":${JSON.stringify(failures)},"one_time_keys":${oneTimeKeys}}`;
  }
}
