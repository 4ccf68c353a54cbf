import {
  AnswersJsonText,
  Authenticated,
  BodyText,
  JsonBody,
  Path,
  RateLimited,
  RequestedBy,
  type Requester,
} from '@ganglion/http';
import { jsonObject, text } from '@ganglion/http/values';
import type { JsonObject } from '@ganglion/protocol';
import { Controller, Get, Inject, Put } from '@nestjs/common';
import { z } from 'zod';
import { AccountData } from '../domain/account-data.js';

const globalPath = z.object({ userId: text, type: text });
const roomPath = globalPath.extend({ roomId: text.min(1) });

type GlobalPath = z.output<typeof globalPath>;
type RoomPath = z.output<typeof roomPath>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#client-config */
@Controller('_matrix/client/v3/user/:userId')
export class AccountDataController {
  constructor(@Inject(AccountData) private readonly accountData: AccountData) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridaccount_datatype */
  @Get('account_data/:type')
  @Authenticated()
  @AnswersJsonText()
  getAccountData(@RequestedBy() requester: Requester, @Path(globalPath) path: GlobalPath) {
    return this.accountData.get(requester, { ...path, roomId: '' });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridaccount_datatype */
  @Put('account_data/:type')
  @RateLimited('account_data')
  @Authenticated({ suspended: true })
  async setAccountData(
    @RequestedBy() requester: Requester,
    @Path(globalPath) path: GlobalPath,
    @JsonBody(jsonObject) _: JsonObject,
    @BodyText() content: string,
  ) {
    await this.accountData.set(requester, { ...path, roomId: '' }, content);
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridroomsroomidaccount_datatype */
  @Get('rooms/:roomId/account_data/:type')
  @Authenticated()
  @AnswersJsonText()
  getAccountDataPerRoom(@RequestedBy() requester: Requester, @Path(roomPath) path: RoomPath) {
    return this.accountData.get(requester, path);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridroomsroomidaccount_datatype */
  @Put('rooms/:roomId/account_data/:type')
  @RateLimited('account_data')
  @Authenticated({ suspended: true })
  async setAccountDataPerRoom(
    @RequestedBy() requester: Requester,
    @Path(roomPath) path: RoomPath,
    @JsonBody(jsonObject) _: JsonObject,
    @BodyText() content: string,
  ) {
    await this.accountData.set(requester, path, content);
    return {};
  }
}
