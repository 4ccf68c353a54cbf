import { isMatrixError } from '@ganglion/contracts';
import { Query, RateLimited } from '@ganglion/http';
import { Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CONFIRM_PATH, Emails } from '../domain/emails.js';
import { buttonPage, messagePage } from './pages.js';

const linkQuery = z.object({ sid: z.string().regex(/^[\w-]{1,255}$/), token: z.string().regex(/^[\w-]{1,255}$/) });

/**
 * Where the links in e-mails lead to. Looking at the page does nothing: mail servers look at every link, to see whether it is
 * safe. It has a button instead.
 */
@Controller(CONFIRM_PATH.slice(1))
export class EmailConfirmationController {
  constructor(@Inject(Emails) private readonly emails: Emails) {}

  @Get()
  @RateLimited('lookups')
  show(@Query(linkQuery) _: z.output<typeof linkQuery>, @Res() reply: FastifyReply): void {
    buttonPage(reply, 'Confirm your e-mail address', 'Only go on if you have asked for this.', 'Confirm');
  }

  @Post()
  @HttpCode(200)
  @RateLimited('lookups')
  async confirm(
    @Query(linkQuery) { sid, token }: z.output<typeof linkQuery>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const wantsPage = request.headers.accept?.includes('text/html') ?? false;
    try {
      const nextLink = await this.emails.confirm(sid, token);
      if (!wantsPage) reply.send({ success: true });
      else if (nextLink !== undefined) reply.redirect(nextLink, 303);
      else messagePage(reply, 200, 'Your e-mail address is confirmed', 'You can go back to where you came from.');
    } catch (error) {
      if (!wantsPage || !isMatrixError(error)) throw error;
      messagePage(reply, error.status, 'This link is over', 'It may be too old, or not complete. Ask for another one.');
    }
  }
}
