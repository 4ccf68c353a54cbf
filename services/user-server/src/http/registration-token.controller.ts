import { Authenticated, JsonBody, Path, Query, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { text } from '@ganglion/http/values';
import { Controller, Delete, Get, HttpCode, Inject, Post, Put } from '@nestjs/common';
import { z } from 'zod';
import type { RegistrationToken } from '../domain/ports.js';
import { RegistrationTokens } from '../domain/registration-tokens.js';
import { optionalText } from './values.js';

const validityQuery = z.object({ token: text });
const tokenPath = z.object({ token: text });
/** As far as a timestamp in PostgreSQL goes; in JavaScript, too. */
const MAX_TIME = 8_640_000_000_000_000;
const limitFields = {
  uses_allowed: z.int().min(0).max(2_147_483_647).nullish(),
  expiry_time: z.int().min(0).max(MAX_TIME).nullish(),
};
const limitsBody = z
  .object(limitFields)
  .transform((body) => ({ usesAllowed: body.uses_allowed, expiresAtMs: body.expiry_time }));
const createBody = z
  .object({ token: optionalText, ...limitFields })
  .transform((body) => ({ token: body.token, usesAllowed: body.uses_allowed, expiresAtMs: body.expiry_time }));

type TokenPath = z.output<typeof tokenPath>;

/**
 * Registration tokens: whether one is good for people who want an account, and what administrators do with them, at the
 * place where Synapse's tools look for it.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#token-authenticated-registration
 */
@Controller()
export class RegistrationTokenController {
  constructor(@Inject(RegistrationTokens) private readonly tokens: RegistrationTokens) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1registermloginregistration_tokenvalidity */
  @Get('_matrix/client/v1/register/m.login.registration_token/validity')
  @RateLimited('lookups')
  async registrationTokenValidity(@Query(validityQuery) { token }: z.output<typeof validityQuery>) {
    return { valid: await this.tokens.isValid(token) };
  }

  @Get('_synapse/admin/v1/registration_tokens')
  @Authenticated()
  async listRegistrationTokens(@RequestedBy() requester: Requester) {
    return { registration_tokens: (await this.tokens.list(requester)).map(tokenAnswer) };
  }

  @Post('_synapse/admin/v1/registration_tokens/new')
  @HttpCode(200)
  @Authenticated()
  async createRegistrationToken(
    @RequestedBy() requester: Requester,
    @JsonBody(createBody) { token, ...limits }: z.output<typeof createBody>,
  ) {
    return tokenAnswer(await this.tokens.create(requester, token, limits));
  }

  @Get('_synapse/admin/v1/registration_tokens/:token')
  @Authenticated()
  async getRegistrationToken(@RequestedBy() requester: Requester, @Path(tokenPath) { token }: TokenPath) {
    return tokenAnswer(await this.tokens.get(requester, token));
  }

  @Put('_synapse/admin/v1/registration_tokens/:token')
  @Authenticated()
  async updateRegistrationToken(
    @RequestedBy() requester: Requester,
    @Path(tokenPath) { token }: TokenPath,
    @JsonBody(limitsBody) limits: z.output<typeof limitsBody>,
  ) {
    return tokenAnswer(await this.tokens.update(requester, token, limits));
  }

  @Delete('_synapse/admin/v1/registration_tokens/:token')
  @Authenticated()
  async deleteRegistrationToken(@RequestedBy() requester: Requester, @Path(tokenPath) { token }: TokenPath) {
    await this.tokens.remove(requester, token);
    return {};
  }
}

/** A use counts when the account is made, so none is ever pending. */
function tokenAnswer({ token, uses, usesAllowed, expiresAtMs }: RegistrationToken) {
  return {
    ...{ token, uses_allowed: usesAllowed ?? null, pending: 0, completed: uses, expiry_time: expiresAtMs ?? null },
  };
}
