import type { Config } from '@ganglion/config';
import { type RateLimiter, takeOrThrow } from '@ganglion/contracts';
import {
  AnswersJsonText,
  Authenticated,
  Draining,
  Query,
  RATE_LIMITER,
  RequestedBy,
  type Requester,
  TOKEN_REVOCATIONS,
  type TokenRevocations,
} from '@ganglion/http';
import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { Filters } from '../domain/answer/filters.js';
import { KeyCounts } from '../domain/answer/key-counts.js';
import type { SyncRequest } from '../domain/answer/sync-request.js';
import { SyncService } from '../domain/answer/sync-service.js';
import { OwnPresence } from '../domain/presence/own-presence.js';
import { syncQuery } from './parameters.js';
import { whileConnected } from './while-connected.js';

export const SYNC_CONFIG = Symbol('SyncConfig');

@Controller('_matrix/client/v3')
export class SyncController {
  constructor(
    @Inject(SyncService) private readonly service: SyncService,
    @Inject(Filters) private readonly filters: Filters,
    @Inject(Draining) private readonly draining: Draining,
    @Inject(SYNC_CONFIG) private readonly config: Config['sync'],
    @Inject(TOKEN_REVOCATIONS) private readonly revocations: TokenRevocations,
    @Inject(RATE_LIMITER) private readonly limiter: RateLimiter,
    @Inject(KeyCounts) private readonly keyCounts: KeyCounts,
    @Inject(OwnPresence) private readonly presence: OwnPresence,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync */
  @Get('sync')
  @Authenticated({ guests: true })
  @AnswersJsonText()
  async sync(
    @RequestedBy() requester: Requester,
    @Query(syncQuery) query: z.infer<typeof syncQuery>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { userId, deviceId, deviceNid } = requester;
    const fullState = query.full_state ?? false;
    if (query.since === undefined || fullState) await takeOrThrow(this.limiter, 'initial_sync', userId);
    const request = {
      userId,
      deviceId,
      deviceNid,
      since: query.since?.position,
      messagesSince: query.since?.messages,
      filter: await this.filters.ofSync(userId, query.filter),
      fullState,
      stateKey: stateKeyOf(query),
      timeoutMs: Math.min(query.timeout ?? 0, this.config.max_timeout_ms),
    };
    const left = this.presence.syncing(userId, deviceId, query.set_presence ?? 'online');
    try {
      return await this.keyCounts.addTo(await this.#answer(request, requester, reply), requester);
    } finally {
      left();
    }
  }

  #answer(request: Omit<SyncRequest, 'signal'>, requester: Requester, reply: FastifyReply): Promise<string> {
    const isWhole = request.since === undefined || request.fullState;
    if (request.timeoutMs === 0 && !isWhole) return this.service.sync({ ...request, signal: NEVER });
    const answer = whileConnected(this.draining, reply, (signal, gone) =>
      this.service.sync({ ...request, gone, signal: request.timeoutMs === 0 ? NEVER : signal }),
    );
    return this.revocations.whileValid(requester, answer);
  }
}

const NEVER = new AbortController().signal;

function stateKeyOf(query: z.infer<typeof syncQuery>): SyncRequest['stateKey'] {
  if (query.use_state_after) return 'state_after';
  return query['org.matrix.msc4222.use_state_after'] ? 'org.matrix.msc4222.state_after' : 'state';
}
