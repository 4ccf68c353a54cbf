import { JsonBody } from '@ganglion/http';
import { text } from '@ganglion/http/values';
import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { LocalServers } from '../domain/local-servers.js';
import { SharedSecretRegistration } from '../domain/shared-secret-registration.js';
import { type Origin, RequestOrigin } from './origin.js';
import { accountAnswer } from './session-answers.js';
import { deviceFields, deviceRequestOf, optionalFlag, optionalText } from './values.js';

const USER_TYPES = ['bot', 'support'];

const registerBody = z
  .object({
    nonce: text,
    username: text,
    password: text,
    mac: text,
    admin: optionalFlag,
    user_type: optionalText.refine((type) => type === undefined || USER_TYPES.includes(type), {
      error: `one of ${USER_TYPES.join(', ')} is expected`,
    }),
    displayname: optionalText,
    inhibit_login: optionalFlag,
    ...deviceFields,
  })
  .transform((body) => ({
    nonce: body.nonce,
    username: body.username,
    password: body.password,
    mac: body.mac,
    admin: body.admin,
    userType: body.user_type,
    displayname: body.displayname,
    inhibitLogin: body.inhibit_login,
    ...deviceRequestOf(body),
  }));

/** Registration by shared secret, at the place where Synapse's tools look for it. */
@Controller('_synapse/admin/v1/register')
export class SharedSecretController {
  constructor(
    @Inject(SharedSecretRegistration) private readonly registration: SharedSecretRegistration,
    @Inject(LocalServers) private readonly servers: LocalServers,
  ) {}

  @Get()
  getNonce() {
    return { nonce: this.registration.newNonce() };
  }

  @Post()
  @HttpCode(200)
  async register(@JsonBody(registerBody) body: z.output<typeof registerBody>, @RequestOrigin() { host }: Origin) {
    return accountAnswer(await this.registration.register(body, this.servers.forHost(host)));
  }
}
