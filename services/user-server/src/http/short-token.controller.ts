import { Authenticated, JsonBody, Path, Query, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { jsonObject, text } from '@ganglion/http/values';
import { domainOf, type JsonObject } from '@ganglion/protocol';
import { Controller, Get, HttpCode, Inject, Post, UseFilters } from '@nestjs/common';
import { z } from 'zod';
import { LocalServers } from '../domain/local-servers.js';
import { LoginTokens, OpenIdTokens } from '../domain/short-tokens.js';
import { UserInteractiveAuth } from '../domain/user-interactive-auth.js';
import { interactiveRequest, type Origin, RequestOrigin } from './origin.js';
import { UiaChallengeFilter } from './uia-challenge.filter.js';

const loginTokenBody = jsonObject.default({});
const userPath = z.object({ userId: text });
const userInfoQuery = z.object({ access_token: text.optional() });

/** Tokens for one use, or for a short time. */
@Controller()
@UseFilters(UiaChallengeFilter)
export class ShortTokenController {
  constructor(
    @Inject(LoginTokens) private readonly loginTokens: LoginTokens,
    @Inject(OpenIdTokens) private readonly openIdTokens: OpenIdTokens,
    @Inject(UserInteractiveAuth) private readonly uia: UserInteractiveAuth,
    @Inject(LocalServers) private readonly servers: LocalServers,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv1loginget_token */
  @Post('_matrix/client/v1/login/get_token')
  @HttpCode(200)
  @RateLimited('login_tokens')
  @Authenticated({ suspended: true })
  async generateLoginToken(
    @RequestedBy() requester: Requester,
    @JsonBody(loginTokenBody) body: JsonObject,
    @RequestOrigin() origin: Origin,
  ) {
    const request = interactiveRequest(origin, this.servers, body, requester);
    const { token, lifetimeMs } = await this.uia.perform(request, (attempt) =>
      this.loginTokens.issue(requester, attempt),
    );
    return { login_token: token, expires_in_ms: lifetimeMs };
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridopenidrequest_token */
  @Post('_matrix/client/v3/user/:userId/openid/request_token')
  @HttpCode(200)
  @RateLimited('openid')
  @Authenticated()
  async requestOpenIdToken(
    @RequestedBy() requester: Requester,
    @Path(userPath) { userId }: z.output<typeof userPath>,
    @JsonBody(loginTokenBody) _: JsonObject,
  ) {
    const { token, lifetimeMs } = await this.openIdTokens.issue(requester, userId);
    return {
      access_token: token,
      token_type: 'Bearer',
      matrix_server_name: domainOf(userId),
      expires_in: lifetimeMs / 1_000,
    };
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1openiduserinfo */
  @Get('_matrix/federation/v1/openid/userinfo')
  @RateLimited('lookups')
  async exchangeOpenIdToken(@Query(userInfoQuery) { access_token }: z.output<typeof userInfoQuery>) {
    return { sub: await this.openIdTokens.owner(access_token ?? '') };
  }
}
