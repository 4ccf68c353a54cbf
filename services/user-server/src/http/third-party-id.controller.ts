import { Authenticated, JsonBody, parseBody, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { jsonObject, text } from '@ganglion/http/values';
import { isJsonObject, type JsonObject } from '@ganglion/protocol';
import { Controller, Get, HttpCode, Inject, Post, UseFilters } from '@nestjs/common';
import { z } from 'zod';
import { LocalServers } from '../domain/local-servers.js';
import { ThirdPartyIds } from '../domain/third-party-ids.js';
import { UserInteractiveAuth } from '../domain/user-interactive-auth.js';
import { interactiveRequest, type Origin, RequestOrigin } from './origin.js';
import { UiaChallengeFilter } from './uia-challenge.filter.js';
import { clientSecret, optionalText } from './values.js';

const addBody = z
  .object({ client_secret: clientSecret, sid: text })
  .transform(({ client_secret, sid }) => ({ clientSecret: client_secret, sessionId: sid }));

/** What a header can hold. */
const accessToken = z.string().regex(/^[\x21-\x7e]+$/, 'this cannot be an access token');

const bindBody = z
  .object({ client_secret: clientSecret, sid: text, id_server: text, id_access_token: accessToken })
  .transform((body) => ({
    ...{ clientSecret: body.client_secret, sessionId: body.sid },
    ...{ idServer: body.id_server, idAccessToken: body.id_access_token },
  }));

const oldAddBody = z.object({ three_pid_creds: addBody });
const oldBindBody = z.object({ three_pid_creds: bindBody });

const removeBody = z
  .object({ medium: z.enum(['email', 'msisdn']), address: text, id_server: optionalText })
  .transform(({ medium, address, id_server }) => ({ id: { medium, address }, idServer: id_server }));

type RemoveBody = z.output<typeof removeBody>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information */
@Controller('_matrix/client/v3/account/3pid')
@UseFilters(UiaChallengeFilter)
export class ThirdPartyIdController {
  constructor(
    @Inject(ThirdPartyIds) private readonly ids: ThirdPartyIds,
    @Inject(UserInteractiveAuth) private readonly uia: UserInteractiveAuth,
    @Inject(LocalServers) private readonly servers: LocalServers,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3account3pid */
  @Get()
  @Authenticated()
  async getAccount3PIDs(@RequestedBy() requester: Requester) {
    const ids = await this.ids.list(requester);
    return {
      threepids: ids.map(({ medium, address, validatedAtMs, addedAtMs }) => ({
        ...{ medium, address },
        ...{ validated_at: validatedAtMs, added_at: addedAtMs },
      })),
    };
  }

  /**
   * From before there were two ways: as add for an address that was confirmed here, with the same proof of who they are, as who has
   * an address of the account can set its password; otherwise as bind.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pid
   */
  @Post()
  @HttpCode(200)
  @RateLimited('account')
  @Authenticated()
  async post3PIDs(
    @RequestedBy() requester: Requester,
    @JsonBody(jsonObject) body: JsonObject,
    @RequestOrigin() origin: Origin,
  ) {
    const { three_pid_creds: credentials } = parseBody(oldAddBody, body);
    // Of what was added already nothing is left but the session that it was done in.
    const isAddition = isJsonObject(body.auth) && body.auth.session !== undefined;
    if (isAddition || (await this.ids.isOurs(requester, credentials))) {
      await this.uia.perform(interactiveRequest(origin, this.servers, body, requester), (attempt) =>
        this.ids.add(requester, parseBody(oldAddBody, attempt.parameters).three_pid_creds, attempt),
      );
    } else await this.ids.bind(requester, parseBody(oldBindBody, body).three_pid_creds);
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidadd */
  @Post('add')
  @HttpCode(200)
  @RateLimited('account')
  @Authenticated()
  async add3PID(
    @RequestedBy() requester: Requester,
    @JsonBody(jsonObject) body: JsonObject,
    @RequestOrigin() origin: Origin,
  ) {
    await this.uia.perform(interactiveRequest(origin, this.servers, body, requester), (attempt) =>
      this.ids.add(requester, parseBody(addBody, attempt.parameters), attempt),
    );
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidbind */
  @Post('bind')
  @HttpCode(200)
  @RateLimited('account')
  @Authenticated()
  async bind3PID(@RequestedBy() requester: Requester, @JsonBody(bindBody) body: z.output<typeof bindBody>) {
    await this.ids.bind(requester, body);
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3piddelete */
  @Post('delete')
  @HttpCode(200)
  @RateLimited('account')
  @Authenticated()
  async delete3pidFromAccount(@RequestedBy() requester: Requester, @JsonBody(removeBody) body: RemoveBody) {
    return unbindAnswer(await this.ids.remove(requester, body.id, body.idServer));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidunbind */
  @Post('unbind')
  @HttpCode(200)
  @RateLimited('account')
  @Authenticated()
  async unbind3pidFromAccount(@RequestedBy() requester: Requester, @JsonBody(removeBody) body: RemoveBody) {
    return unbindAnswer(await this.ids.unbind(requester, body.id, body.idServer));
  }
}

/** Whether nobody finds the user there any more. */
export function unbindAnswer(unbound: boolean) {
  return { id_server_unbind_result: unbound ? 'success' : 'no-support' };
}
