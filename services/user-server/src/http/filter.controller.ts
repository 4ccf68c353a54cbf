import {
  AnswersJsonText,
  Authenticated,
  Path,
  RateLimited,
  RequestedBy,
  type Requester,
  StoredJsonBody,
} from '@ganglion/http';
import { jsonObject, text } from '@ganglion/http/values';
import type { JsonObject } from '@ganglion/protocol';
import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { Filters } from '../domain/filters.js';

const userPath = z.object({ userId: text });
const filterPath = z.object({ userId: text, filterId: text });

/** @see https://spec.matrix.org/v1.19/client-server-api/#filtering */
@Controller('_matrix/client/v3/user/:userId/filter')
export class FilterController {
  constructor(@Inject(Filters) private readonly filters: Filters) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter */
  @Post()
  @HttpCode(200)
  @RateLimited('account_data')
  @Authenticated({ suspended: true })
  async defineFilter(
    @RequestedBy() requester: Requester,
    @Path(userPath) { userId }: z.output<typeof userPath>,
    @StoredJsonBody(jsonObject) filter: JsonObject,
  ) {
    return { filter_id: await this.filters.define(requester, userId, filter) };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridfilterfilterid */
  @Get(':filterId')
  @Authenticated()
  @AnswersJsonText()
  getFilter(@RequestedBy() requester: Requester, @Path(filterPath) path: z.output<typeof filterPath>) {
    return this.filters.get(requester, path.userId, path.filterId);
  }
}
