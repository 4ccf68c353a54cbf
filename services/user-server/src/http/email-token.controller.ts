import { Authenticated, JsonBody, PerhapsRequestedBy, RateLimited, type Requester } from '@ganglion/http';
import { text } from '@ganglion/http/values';
import { domainOf } from '@ganglion/protocol';
import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { mediumNotSupported } from '../domain/email-failures.js';
import { Emails } from '../domain/emails.js';
import { LocalServers } from '../domain/local-servers.js';
import type { EmailPurpose } from '../domain/ports.js';
import { type Origin, RequestOrigin } from './origin.js';
import { clientSecret, optionalText } from './values.js';

const MAX_LINK = 2_048;

const emailBody = z
  .object({
    client_secret: clientSecret,
    email: text,
    send_attempt: z.int().min(0),
    next_link: optionalText.refine((link) => link === undefined || link.length <= MAX_LINK, {
      error: `a link has at most ${MAX_LINK} characters`,
    }),
    id_server: optionalText,
    id_access_token: optionalText,
  })
  .transform((body) => ({
    email: body.email,
    clientSecret: body.client_secret,
    sendAttempt: body.send_attempt,
    nextLink: body.next_link,
  }));

const telephoneBody = z.object({
  client_secret: clientSecret,
  country: text,
  phone_number: text,
  send_attempt: z.int().min(0),
});

type EmailBody = z.output<typeof emailBody>;

/** E-mails that show whose an address is. No messages are sent to telephones. */
@Controller('_matrix/client/v3')
export class EmailTokenController {
  constructor(
    @Inject(Emails) private readonly emails: Emails,
    @Inject(LocalServers) private readonly servers: LocalServers,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3registeremailrequesttoken */
  @Post('register/email/requestToken')
  @HttpCode(200)
  @RateLimited('emails')
  requestTokenToRegisterEmail(@JsonBody(emailBody) body: EmailBody, @RequestOrigin() origin: Origin) {
    return this.#request('register', body, origin);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpasswordemailrequesttoken */
  @Post('account/password/email/requestToken')
  @HttpCode(200)
  @RateLimited('emails')
  requestTokenToResetPasswordEmail(@JsonBody(emailBody) body: EmailBody, @RequestOrigin() origin: Origin) {
    return this.#request('password', body, origin);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidemailrequesttoken */
  @Post('account/3pid/email/requestToken')
  @HttpCode(200)
  @RateLimited('emails')
  @Authenticated({ optional: true })
  requestTokenTo3PIDEmail(
    @PerhapsRequestedBy() requester: Requester | undefined,
    @JsonBody(emailBody) body: EmailBody,
    @RequestOrigin() origin: Origin,
  ) {
    return this.#request('contact', body, origin, requester);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3registermsisdnrequesttoken */
  @Post('register/msisdn/requestToken')
  @RateLimited('emails')
  requestTokenToRegisterMSISDN(@JsonBody(telephoneBody) _: unknown): never {
    throw noTelephones();
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpasswordmsisdnrequesttoken */
  @Post('account/password/msisdn/requestToken')
  @RateLimited('emails')
  requestTokenToResetPasswordMSISDN(@JsonBody(telephoneBody) _: unknown): never {
    throw noTelephones();
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidmsisdnrequesttoken */
  @Post('account/3pid/msisdn/requestToken')
  @RateLimited('emails')
  requestTokenTo3PIDMSISDN(@JsonBody(telephoneBody) _: unknown): never {
    throw noTelephones();
  }

  async #request(purpose: EmailPurpose, body: EmailBody, { host, network }: Origin, requester?: Requester) {
    const serverName = requester ? domainOf(requester.userId) : this.servers.forHost(host);
    return { sid: await this.emails.request(purpose, body, { serverName, network }) };
  }
}

const noTelephones = () => mediumNotSupported('This server sends no messages to telephones');
