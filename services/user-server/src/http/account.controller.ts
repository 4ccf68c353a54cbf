import {
  Authenticated,
  JsonBody,
  PerhapsRequestedBy,
  parseBody,
  RateLimited,
  RequestedBy,
  type Requester,
} from '@ganglion/http';
import { jsonObject } from '@ganglion/http/values';
import type { JsonObject } from '@ganglion/protocol';
import { Controller, HttpCode, Inject, Post, UseFilters } from '@nestjs/common';
import { z } from 'zod';
import { Accounts } from '../domain/accounts.js';
import { LocalServers } from '../domain/local-servers.js';
import { PasswordReset } from '../domain/password-reset.js';
import { ThirdPartyIds } from '../domain/third-party-ids.js';
import { UserInteractiveAuth } from '../domain/user-interactive-auth.js';
import { interactiveRequest, type Origin, RequestOrigin } from './origin.js';
import { unbindAnswer } from './third-party-id.controller.js';
import { UiaChallengeFilter } from './uia-challenge.filter.js';
import { optionalFlag, optionalText } from './values.js';

const passwordBody = z
  .object({ new_password: optionalText, logout_devices: optionalFlag })
  .transform((body) => ({ newPassword: body.new_password, logoutDevices: body.logout_devices ?? true }));

const deactivateBody = z
  .object({ erase: optionalFlag, id_server: optionalText })
  .transform((body) => ({ erase: body.erase ?? false, idServer: body.id_server }));

/** @see https://spec.matrix.org/v1.19/client-server-api/#legacy-account-management */
@Controller('_matrix/client/v3/account')
@UseFilters(UiaChallengeFilter)
export class AccountController {
  constructor(
    @Inject(Accounts) private readonly accounts: Accounts,
    @Inject(PasswordReset) private readonly passwordReset: PasswordReset,
    @Inject(ThirdPartyIds) private readonly thirdPartyIds: ThirdPartyIds,
    @Inject(UserInteractiveAuth) private readonly uia: UserInteractiveAuth,
    @Inject(LocalServers) private readonly servers: LocalServers,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpassword */
  @Post('password')
  @HttpCode(200)
  @RateLimited('account')
  @Authenticated({ suspended: true, optional: true })
  async changePassword(
    @PerhapsRequestedBy() requester: Requester | undefined,
    @JsonBody(jsonObject) body: JsonObject,
    @RequestOrigin() origin: Origin,
  ) {
    const request = interactiveRequest(origin, this.servers, body, requester, 'password');
    await this.uia.perform(request, (attempt) => {
      const change = parseBody(passwordBody, attempt.parameters);
      if (requester === undefined) return this.passwordReset.reset(change, request.serverName, attempt);
      return this.accounts.changePassword(requester, change, attempt);
    });
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate */
  @Post('deactivate')
  @HttpCode(200)
  @RateLimited('account')
  @Authenticated({ suspended: true })
  async deactivateAccount(
    @RequestedBy() requester: Requester,
    @JsonBody(jsonObject) body: JsonObject,
    @RequestOrigin() origin: Origin,
  ) {
    let idServer: string | undefined;
    await this.uia.perform(interactiveRequest(origin, this.servers, body, requester), (attempt) => {
      const asked = parseBody(deactivateBody, attempt.parameters);
      ({ idServer } = asked);
      return this.accounts.deactivate(requester, asked.erase, attempt);
    });
    return unbindAnswer(await this.thirdPartyIds.unbindAll(requester, idServer));
  }
}
