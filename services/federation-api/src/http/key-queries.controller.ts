import type { Config } from '@ganglion/config';
import { MatrixError } from '@ganglion/contracts';
import { AnswersJsonText, JsonBody, Path, Query, RateLimited } from '@ganglion/http';
import { serverName } from '@ganglion/http/values';
import { Controller, Get, HttpCode, Inject, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Notary } from '../domain/keys/notary.js';
import { namedServer } from './named-server.js';
import { CONFIG } from './tokens.js';

const MAX_SERVERS = 100;
const MAX_KEYS = 50;

const timestamp = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const criteria = z.object({ minimum_valid_until_ts: timestamp.optional() });
const keysWanted = z.record(z.string(), criteria).refine((keys) => Object.keys(keys).length <= MAX_KEYS, {
  error: `more than ${MAX_KEYS} keys of one server`,
});
const query = z.object({
  server_keys: z.record(serverName, keysWanted).refine((servers) => Object.keys(servers).length <= MAX_SERVERS, {
    error: `more than ${MAX_SERVERS} servers`,
  }),
});
const serverPath = z.object({ serverName });
const serverQuery = z.object({
  minimum_valid_until_ts: z
    .string()
    .regex(/^\d{1,15}$/, 'not a time in milliseconds')
    .transform(Number)
    .optional(),
});

/** Tells servers of the keys of others. */
@Controller()
export class KeyQueriesController {
  constructor(
    @Inject(Notary) private readonly notary: Notary,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixkeyv2query */
  @Post('_matrix/key/v2/query')
  @HttpCode(200)
  @RateLimited('lookups')
  @AnswersJsonText()
  bulkPerspectivesKeyQuery(@Req() request: FastifyRequest, @JsonBody(query) body: z.infer<typeof query>) {
    const queries = Object.entries(body.server_keys).map(([name, keys]) => ({
      serverName: name,
      // An empty id stands for all of them.
      keyIds: Object.keys(keys).filter((keyId) => keyId !== ''),
      minimumValidUntilTs: Math.max(0, ...Object.values(keys).map((key) => key.minimum_valid_until_ts ?? Date.now())),
    }));
    return this.notary.answer(this.#named(request), queries);
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixkeyv2queryservername */
  @Get('_matrix/key/v2/query/:serverName')
  @RateLimited('lookups')
  @AnswersJsonText()
  perspectivesKeyQuery(
    @Req() request: FastifyRequest,
    @Path(serverPath) path: z.infer<typeof serverPath>,
    @Query(serverQuery) { minimum_valid_until_ts: minimum = Date.now() }: z.infer<typeof serverQuery>,
  ) {
    const wanted = { serverName: path.serverName, keyIds: [], minimumValidUntilTs: minimum };
    return this.notary.answer(this.#named(request), [wanted]);
  }

  #named({ host }: FastifyRequest): string {
    const { name } = namedServer(this.config.server_names, host);
    if (!this.config.federation.enabled) throw new MatrixError(403, 'M_FORBIDDEN', 'This server does not federate');
    return name;
  }
}
