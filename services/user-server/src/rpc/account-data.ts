import type {
  AccountData as AccountDataRpc,
  GetAccountDataRequest,
  GetAccountDataResponse,
  PutAccountDataRequest,
  PutAccountDataResponse,
} from '@ganglion/contracts/user';
import type { AccountData } from '../domain/account-data.js';

/** Account data, as other services read and write it on a user's behalf. */
export class AccountDataService implements AccountDataRpc {
  constructor(private readonly accountData: AccountData) {}

  async getAccountData(request: GetAccountDataRequest): Promise<GetAccountDataResponse> {
    const { content = '', userSeq = 0 } = (await this.accountData.find(request)) ?? {};
    return { contentJson: content, userSeq };
  }

  async putAccountData(request: PutAccountDataRequest): Promise<PutAccountDataResponse> {
    const { contentJson, expectedSeq } = request;
    return { stored: await this.accountData.replace(request, contentJson, expectedSeq) };
  }
}
