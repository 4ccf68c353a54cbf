import { JsonBody, parseBody, Query, RateLimited } from '@ganglion/http';
import { jsonObject, text } from '@ganglion/http/values';
import type { JsonObject } from '@ganglion/protocol';
import { Controller, Get, HttpCode, Inject, Post, UseFilters } from '@nestjs/common';
import { z } from 'zod';
import { LocalServers } from '../domain/local-servers.js';
import { Registration } from '../domain/registration.js';
import { UserInteractiveAuth } from '../domain/user-interactive-auth.js';
import { interactiveRequest, type Origin, RequestOrigin } from './origin.js';
import { accountAnswer } from './session-answers.js';
import { UiaChallengeFilter } from './uia-challenge.filter.js';
import { deviceFields, deviceRequestOf, optionalFlag, optionalText } from './values.js';

const kindQuery = z.object({ kind: z.enum(['user', 'guest']).default('user') });
const availableQuery = z.object({ username: text });

const registerBody = z
  .object({
    username: optionalText,
    password: optionalText,
    inhibit_login: optionalFlag,
    guest_access_token: optionalText,
    ...deviceFields,
  })
  .transform((body) => ({
    username: body.username,
    password: body.password,
    inhibitLogin: body.inhibit_login,
    guestAccessToken: body.guest_access_token,
    ...deviceRequestOf(body),
  }));

/** @see https://spec.matrix.org/v1.19/client-server-api/#legacy-account-registration */
@Controller('_matrix/client/v3')
@UseFilters(UiaChallengeFilter)
export class RegistrationController {
  constructor(
    @Inject(Registration) private readonly registration: Registration,
    @Inject(UserInteractiveAuth) private readonly uia: UserInteractiveAuth,
    @Inject(LocalServers) private readonly servers: LocalServers,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register */
  @Post('register')
  @HttpCode(200)
  @RateLimited('lookups')
  async register(
    @Query(kindQuery) { kind }: z.output<typeof kindQuery>,
    @JsonBody(jsonObject) body: JsonObject,
    @RequestOrigin() origin: Origin,
  ) {
    const request = interactiveRequest(origin, this.servers, body, undefined, 'register');
    if (kind === 'guest') {
      const { initialDeviceDisplayName } = parseBody(registerBody, body);
      return accountAnswer(await this.registration.registerGuest(initialDeviceDisplayName, request));
    }
    const created = await this.uia.perform(request, (attempt) =>
      this.registration.register(parseBody(registerBody, attempt.parameters), attempt, request),
    );
    return accountAnswer(created);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3registeravailable */
  @Get('register/available')
  @RateLimited('lookups')
  async checkUsernameAvailability(
    @Query(availableQuery) { username }: z.output<typeof availableQuery>,
    @RequestOrigin() { host }: Origin,
  ) {
    await this.registration.checkUsername(username, this.servers.forHost(host));
    return { available: true };
  }
}
