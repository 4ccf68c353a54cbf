import type { Config } from '@ganglion/config';
import { MatrixError } from '@ganglion/contracts';
import type { KeysForServers } from '@ganglion/contracts/keys';
import { FederationGuard } from '@ganglion/federation';
import { AnswersJsonText, JsonBody, Path } from '@ganglion/http';
import { text, userId } from '@ganglion/http/values';
import { domainOf } from '@ganglion/protocol';
import { Controller, Get, HttpCode, Inject, Post, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { CONFIG, KEYS_FOR_SERVERS } from './tokens.js';

const userPath = z.object({ userId });
/** More users at once no client has in its rooms. */
const MOST_USERS = 5_000;
const fewEnough = (users: object) => Object.keys(users).length <= MOST_USERS;
const deviceId = text.max(255);
const queryBody = z.object({
  device_keys: z.record(userId, z.array(deviceId).max(1_000)).refine(fewEnough, 'names too many users'),
});
const claimBody = z.object({
  one_time_keys: z.record(userId, z.record(deviceId, deviceId)).refine(fewEnough, 'names too many users'),
});

/** What other servers need to know of our users' devices, to encrypt for them. */
@Controller('_matrix/federation/v1/user')
@UseGuards(FederationGuard)
export class UsersController {
  constructor(
    @Inject(KEYS_FOR_SERVERS) private readonly keys: KeysForServers,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1userdevicesuserid */
  @Get('devices/:userId')
  @AnswersJsonText()
  async getUserDevices(@Path(userPath) { userId: user }: z.infer<typeof userPath>) {
    if (!this.config.server_names.some(({ name }) => name === domainOf(user))) {
      throw new MatrixError(404, 'M_NOT_FOUND', `${user} is not of this server`);
    }
    return (await this.keys.getUserDevices({ userId: user })).answerJson;
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysquery */
  @Post('keys/query')
  @HttpCode(200)
  @AnswersJsonText()
  async queryUserEncryptionKeys(@JsonBody(queryBody) { device_keys }: z.infer<typeof queryBody>) {
    const users = Object.entries(device_keys).map(([user, deviceIds]) => ({ userId: user, deviceIds }));
    return (await this.keys.queryKeys({ users })).answerJson;
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysclaim */
  @Post('keys/claim')
  @HttpCode(200)
  @AnswersJsonText()
  async claimUserEncryptionKeys(@JsonBody(claimBody) { one_time_keys }: z.infer<typeof claimBody>) {
    const devices = Object.entries(one_time_keys).flatMap(([user, wanted]) =>
      Object.entries(wanted).map(([device, algorithm]) => ({ userId: user, deviceId: device, algorithm })),
    );
    return `{"one_time_keys":${(await this.keys.claimKeys({ devices })).oneTimeKeysJson}}`;
  }
}
