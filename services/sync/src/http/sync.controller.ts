import type { SyncConfig } from '@ganglion/config';
import { AnswersJsonText, Authenticated, Draining, Query, RequestedBy, type Requester } from '@ganglion/http';
import { Controller, Get, Inject, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { Filters } from '../domain/filters.js';
import { SyncService } from '../domain/sync-service.js';
import { syncQuery } from './parameters.js';

export const SYNC_CONFIG = Symbol('SyncConfig');

@Controller('_matrix/client/v3')
export class SyncController {
  constructor(
    @Inject(SyncService) private readonly service: SyncService,
    @Inject(Filters) private readonly filters: Filters,
    @Inject(Draining) private readonly draining: Draining,
    @Inject(SYNC_CONFIG) private readonly config: SyncConfig,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync */
  @Get('sync')
  @Authenticated({ guests: true })
  @AnswersJsonText()
  async sync(
    @RequestedBy() requester: Requester,
    @Query(syncQuery) query: z.infer<typeof syncQuery>,
    @Req() request: FastifyRequest,
  ): Promise<string> {
    const { userId, deviceId } = requester;
    return this.service.sync({
      userId,
      deviceId,
      since: query.since,
      filter: await this.filters.ofSync(userId, query.filter),
      fullState: query.full_state ?? false,
      useStateAfter: query['org.matrix.msc4222.use_state_after'] ?? query.use_state_after ?? false,
      timeoutMs: Math.min(query.timeout ?? 0, this.config.max_timeout_ms),
      signal: this.#endOf(request),
    });
  }

  /** Aborted when the client hangs up or this process stops. */
  #endOf(request: FastifyRequest): AbortSignal {
    if ((request.query as { timeout?: string }).timeout === undefined) return this.draining.signal;
    const gone = new AbortController();
    request.raw.socket.once('close', () => gone.abort());
    return AbortSignal.any([gone.signal, this.draining.signal]);
  }
}
