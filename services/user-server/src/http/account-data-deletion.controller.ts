import { Authenticated, Path, RateLimited, RequestedBy, type Requester } from '@ganglion/http';
import { text } from '@ganglion/http/values';
import { Controller, Delete, Inject } from '@nestjs/common';
import { z } from 'zod';
import { AccountData } from '../domain/account-data.js';

const globalPath = z.object({ userId: text, type: text });
const roomPath = globalPath.extend({ roomId: text.min(1) });

/** @see https://github.com/matrix-org/matrix-spec-proposals/pull/3391 */
@Controller('_matrix/client/unstable/org.matrix.msc3391/user/:userId')
export class AccountDataDeletionController {
  constructor(@Inject(AccountData) private readonly accountData: AccountData) {}

  @Delete('account_data/:type')
  @RateLimited('account_data')
  @Authenticated({ suspended: true })
  async deleteAccountData(@RequestedBy() requester: Requester, @Path(globalPath) path: z.output<typeof globalPath>) {
    await this.accountData.delete(requester, { ...path, roomId: '' });
    return {};
  }

  @Delete('rooms/:roomId/account_data/:type')
  @RateLimited('account_data')
  @Authenticated({ suspended: true })
  async deleteAccountDataPerRoom(@RequestedBy() requester: Requester, @Path(roomPath) path: z.output<typeof roomPath>) {
    await this.accountData.delete(requester, path);
    return {};
  }
}
