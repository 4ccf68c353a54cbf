import {
  AnswersJsonText,
  Authenticated,
  JsonBody,
  Query,
  RateLimited,
  RequestedBy,
  type Requester,
} from '@ganglion/http';
import { jsonObject, text } from '@ganglion/http/values';
import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { Filters } from '../domain/answer/filters.js';
import { Search, type SearchQuery } from '../domain/search/search.js';
import { parseSearchPlace } from '../domain/search/search-place.js';

const MAX_TERM = 1_000;
const MAX_RESULTS = 100;
const DEFAULT_RESULTS = 10;
const MAX_CONTEXT = 20;
const DEFAULT_CONTEXT = 5;
const MAX_SENDERS = 50;

const query = z.object({
  next_batch: z
    .string()
    .transform((token) => (token === '' ? undefined : parseSearchPlace(token)))
    .optional(),
});

const around = z
  .int()
  .nonnegative()
  .transform((limit) => Math.min(limit, MAX_CONTEXT))
  .nullish();
const key = z.enum(['content.body', 'content.name', 'content.topic']);
const roomEvents = z.object({
  search_term: text.max(MAX_TERM),
  keys: z.array(key).nullish(),
  order_by: z.enum(['recent', 'rank']).nullish(),
  filter: jsonObject.nullish(),
  event_context: z
    .object({ before_limit: around, after_limit: around, include_profile: z.boolean().nullish() })
    .nullish(),
  include_state: z.boolean().nullish(),
  groupings: z.object({ group_by: z.array(z.object({ key: z.enum(['room_id', 'sender']) })).nullish() }).nullish(),
});
const body = z.object({ search_categories: z.object({ room_events: roomEvents.nullish() }) });

@Controller('_matrix/client/v3/search')
@Authenticated()
export class SearchController {
  constructor(
    @Inject(Search) private readonly searching: Search,
    @Inject(Filters) private readonly filters: Filters,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3search */
  @Post()
  @HttpCode(200)
  @RateLimited('search')
  @AnswersJsonText()
  async search(
    @RequestedBy() { userId, deviceId, deviceNid }: Requester,
    @Query(query) { next_batch: nextBatch }: z.output<typeof query>,
    @JsonBody(body) { search_categories }: z.output<typeof body>,
  ): Promise<string> {
    const asked = search_categories.room_events;
    if (asked === undefined || asked === null) return '{"search_categories":{}}';
    return this.searching.search({ userId, deviceId, deviceNid, nextBatch, ...this.#criteria(asked) });
  }

  #criteria(asked: z.output<typeof roomEvents>): Omit<SearchQuery, 'userId' | 'deviceId' | 'deviceNid' | 'nextBatch'> {
    const { event_context: context } = asked;
    const filter = this.filters.ofRoom(asked.filter ? JSON.stringify(asked.filter) : undefined);
    const limit = typeof asked.filter?.limit === 'number' ? filter.limit : DEFAULT_RESULTS;
    return {
      ...{ term: asked.search_term, orderBy: asked.order_by ?? 'rank', filter, limit: Math.min(limit, MAX_RESULTS) },
      senders: fewOf(asked.filter?.senders),
      keys: asked.keys ?? key.options,
      context: context
        ? {
            beforeLimit: context.before_limit ?? DEFAULT_CONTEXT,
            afterLimit: context.after_limit ?? DEFAULT_CONTEXT,
            includeProfile: context.include_profile ?? false,
          }
        : undefined,
      includeState: asked.include_state ?? false,
      groupBy: (asked.groupings?.group_by ?? []).map((group) => group.key),
    };
  }
}

/** Who was checked to be names: the index is asked for few of them, the filter for any number. */
function fewOf(senders: unknown): readonly string[] | undefined {
  return Array.isArray(senders) && senders.length > 0 && senders.length <= MAX_SENDERS ? senders : undefined;
}
