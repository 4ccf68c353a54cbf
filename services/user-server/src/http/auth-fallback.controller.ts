import { isMatrixError, MatrixError } from '@ganglion/contracts';
import { bodyText, LenientBody, Path, Query, RateLimited } from '@ganglion/http';
import { text } from '@ganglion/http/values';
import { Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { LocalServers } from '../domain/local-servers.js';
import { mayTryAgain, UiaFallback } from '../domain/uia-fallback.js';
import { AUTH_DONE, stagePage } from './fallback-pages.js';
import { type Origin, RequestOrigin } from './origin.js';
import { messagePage, sendPage } from './pages.js';

const stagePath = z.object({ authType: text });
const sessionQuery = z.object({ session: text.max(255) });
/** What somebody types. */
const MAX_FORM_BYTES = 16_384;

type StagePath = z.output<typeof stagePath>;
type SessionQuery = z.output<typeof sessionQuery>;

/**
 * Pages for stages that a client does not know how to show. Each has a form that is sent to where it is, and needs no script
 * but to tell the client that it is done.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#fallback
 */
@Controller('_matrix/client/v3/auth/:authType/fallback/web')
export class AuthFallbackController {
  constructor(
    @Inject(UiaFallback) private readonly fallback: UiaFallback,
    @Inject(LocalServers) private readonly servers: LocalServers,
  ) {}

  @Get()
  @RateLimited('lookups')
  async show(
    @Path(stagePath) { authType }: StagePath,
    @Query(sessionQuery) { session }: SessionQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await orPage(request, reply, () => this.#answer(reply, authType, session, 200));
  }

  @Post()
  @HttpCode(200)
  @RateLimited('lookups')
  @LenientBody({ maxBytes: MAX_FORM_BYTES })
  async complete(
    @Path(stagePath) { authType }: StagePath,
    @Query(sessionQuery) { session }: SessionQuery,
    @RequestOrigin() { host, address }: Origin,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const fields = Object.fromEntries(new URLSearchParams(bodyText(request)));
    await orPage(request, reply, async () => {
      if (stagePage(authType, undefined) === undefined) throw noPage();
      try {
        await this.fallback.attempt(authType, session, fields, { serverName: this.servers.forHost(host), address });
        sendPage(reply, 200, AUTH_DONE);
      } catch (error) {
        if (!mayTryAgain(error)) throw error;
        await this.#answer(reply, authType, session, error.status, error.message);
      }
    });
  }

  async #answer(reply: FastifyReply, authType: string, session: string, status: number, failure?: string) {
    const { isDone, params } = await this.fallback.look(authType, session);
    const page = isDone ? AUTH_DONE : stagePage(authType, params, failure);
    if (page === undefined) throw noPage();
    sendPage(reply, isDone ? 200 : status, page);
  }
}

/** Browsers are told on a page what others are told as everywhere. */
async function orPage({ headers }: FastifyRequest, reply: FastifyReply, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isMatrixError(error) || !headers.accept?.includes('text/html')) throw error;
    refuse(reply, error);
  }
}

function noPage(): MatrixError {
  return new MatrixError(
    400,
    'M_INVALID_PARAM',
    'There is no such step. Go back to where you came from, and try another way.',
  );
}

function refuse(reply: FastifyReply, { status, errcode, message }: MatrixError): void {
  if (status === 404) {
    messagePage(reply, 404, 'This page is over', 'It may be too old. Go back to where you came from and begin again.');
  } else if (errcode === 'M_LIMIT_EXCEEDED') {
    messagePage(reply, status, 'Too many attempts', 'Wait a little before you try again.');
  } else {
    messagePage(reply, status < 500 ? 400 : status, 'This step cannot be done now', message);
  }
}
