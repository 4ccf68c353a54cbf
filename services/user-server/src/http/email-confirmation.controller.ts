import { isMatrixError } from '@ganglion/contracts';
import { Query, RateLimited } from '@ganglion/http';
import { Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CONFIRM_PATH, Emails } from '../domain/emails.js';
import { buttonPage, messagePage } from './pages.js';

const linkQuery = z.object({ sid: z.string().regex(/^[\w-]{1,255}$/), token: z.string().regex(/^[\w-]{1,255}$/) });

type Link = z.output<typeof linkQuery>;

/**
 * Where the links in e-mails lead to. One that sets another password does nothing when it is looked at, as mail servers look at
 * every link: it has a button instead. The others confirm an address at once, as everywhere.
 */
@Controller(CONFIRM_PATH.slice(1))
export class EmailConfirmationController {
  constructor(@Inject(Emails) private readonly emails: Emails) {}

  @Get()
  @RateLimited('lookups')
  async show(@Query(linkQuery) link: Link, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    // Whoever asks for the headers alone follows nothing.
    const isFollowed = request.method === 'GET' && !(await this.emails.isToBeMeant(link.sid, link.token));
    if (isFollowed) return this.#confirm(link, request, reply);
    buttonPage(reply, 'Confirm your e-mail address', 'Only go on if you have asked for this.', 'Confirm');
  }

  @Post()
  @HttpCode(200)
  @RateLimited('lookups')
  confirm(@Query(linkQuery) link: Link, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#confirm(link, request, reply);
  }

  async #confirm({ sid, token }: Link, request: FastifyRequest, reply: FastifyReply): Promise<void> {
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
