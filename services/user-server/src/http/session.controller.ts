import { Authenticated, JsonBody, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { orAbsent, text } from '@ganglion/http/values';
import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { Devices } from '../domain/devices.js';
import { LocalServers } from '../domain/local-servers.js';
import { Login } from '../domain/login.js';
import { Sessions } from '../domain/sessions.js';
import { type Origin, RequestOrigin } from './origin.js';
import { LoginAnswers, tokensAnswer } from './session-answers.js';
import { deviceFields, deviceRequestOf, optionalText } from './values.js';

const loginBody = z
  .object({
    type: text,
    identifier: orAbsent(
      z.object({ type: text.default(''), user: optionalText, medium: optionalText, address: optionalText }),
    ),
    // Before there was `identifier`.
    ...{ user: optionalText, medium: optionalText, address: optionalText },
    password: orAbsent(z.string()),
    token: orAbsent(z.string()),
    ...deviceFields,
  })
  .transform(({ type, identifier, user, medium, address, password, token, ...device }) => ({
    ...{ type, user, password, token },
    identifier: identifier ?? (medium === undefined ? undefined : { type: 'm.id.thirdparty', medium, address }),
    ...deviceRequestOf(device),
  }));

const refreshBody = z.object({ refresh_token: text });

/** Logging in and out. @see https://spec.matrix.org/v1.19/client-server-api/#legacy-login */
@Controller('_matrix/client/v3')
export class SessionController {
  constructor(
    @Inject(Login) private readonly logins: Login,
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(Devices) private readonly devices: Devices,
    @Inject(LocalServers) private readonly servers: LocalServers,
    @Inject(LoginAnswers) private readonly answers: LoginAnswers,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3login */
  @Get('login')
  getLoginFlows() {
    return { flows: this.logins.flows };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3login */
  @Post('login')
  @HttpCode(200)
  @RateLimited('login')
  async login(@JsonBody(loginBody) body: z.output<typeof loginBody>, @RequestOrigin() { host, network }: Origin) {
    const place = { serverName: this.servers.forHost(host), network };
    return this.answers.answer(await this.logins.login(body, place));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3refresh */
  @Post('refresh')
  @HttpCode(200)
  @RateLimited('refresh')
  async refresh(@JsonBody(refreshBody) body: z.output<typeof refreshBody>) {
    return tokensAnswer(await this.sessions.refresh(body.refresh_token));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout */
  @Post('logout')
  @HttpCode(200)
  @Authenticated({ locked: true, expired: true, suspended: true })
  async logout(@RequestedBy() requester: Requester) {
    await this.devices.logout(requester);
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logoutall */
  @Post('logout/all')
  @HttpCode(200)
  @Authenticated({ locked: true, expired: true, suspended: true })
  async logout_all(@RequestedBy() requester: Requester) {
    await this.devices.logoutAll(requester);
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3accountwhoami */
  @Get('account/whoami')
  @Authenticated({ guests: true })
  getTokenOwner(@RequestedBy() { userId, deviceId, guest }: Requester) {
    return { user_id: userId, device_id: deviceId, is_guest: guest };
  }
}
