import { isMatrixError } from '@ganglion/contracts';
import { Authenticated, JsonBody, Query, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { userId } from '@ganglion/http/values';
import { Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AccountValidity, RENEW_PATH } from '../domain/account-validity.js';
import { buttonPage, messagePage } from './pages.js';

const linkQuery = z.object({ token: z.string().regex(/^[\w-]{1,255}$/) });
/** As far as a time goes in JavaScript. */
const MAX_TIME = 8_640_000_000_000_000;
const validityBody = z
  .object({
    user_id: userId,
    expiration_ts: z.int().min(0).max(MAX_TIME).nullish(),
    enable_renewal_emails: z.boolean().default(true),
  })
  .transform((body) => ({
    userId: body.user_id,
    renewalEmails: body.enable_renewal_emails,
    ...(typeof body.expiration_ts === 'number' && { expiresAtMs: body.expiration_ts }),
  }));

/** Accounts that end unless they are renewed, at the places where Synapse's clients and tools look for it. */
@Controller()
export class AccountValidityController {
  constructor(@Inject(AccountValidity) private readonly validity: AccountValidity) {}

  /** Looking at the page does nothing: mail servers look at every link, to see whether it is safe. */
  @Get(RENEW_PATH.slice(1))
  @RateLimited('lookups')
  show(@Query(linkQuery) _: z.output<typeof linkQuery>, @Res() reply: FastifyReply): void {
    buttonPage(reply, 'Renew your account', 'Go on if you want to keep your account.', 'Renew');
  }

  @Post(RENEW_PATH.slice(1))
  @HttpCode(200)
  @RateLimited('lookups')
  async renew(
    @Query(linkQuery) { token }: z.output<typeof linkQuery>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const wantsPage = request.headers.accept?.includes('text/html') ?? false;
    try {
      const expiration_ts = await this.validity.renew(token);
      if (!wantsPage) reply.send({ expiration_ts });
      else messagePage(reply, 200, 'Your account is renewed', 'You can go back to where you came from.');
    } catch (error) {
      if (!wantsPage || !isMatrixError(error)) throw error;
      messagePage(reply, error.status, 'This link is over', 'It may be too old, or not complete. Ask for another one.');
    }
  }

  @Post('_matrix/client/unstable/account_validity/send_mail')
  @HttpCode(200)
  @Authenticated({ expired: true, suspended: true })
  @RateLimited('account')
  async sendRenewalMail(@RequestedBy() requester: Requester) {
    await this.validity.requestLetter(requester);
    return {};
  }

  @Post('_synapse/admin/v1/account_validity/validity')
  @HttpCode(200)
  @Authenticated({ admins: true })
  async setAccountValidity(
    @RequestedBy() requester: Requester,
    @JsonBody(validityBody) validity: z.output<typeof validityBody>,
  ) {
    return { expiration_ts: await this.validity.set(requester, validity) };
  }
}
