import { MatrixError } from '@ganglion/contracts';
import type {
  AccountData,
  GetAccountDataRequest,
  GetAccountDataResponse,
  PutAccountDataRequest,
  PutAccountDataResponse,
} from '@ganglion/contracts/user';

const NOTHING: GetAccountDataResponse = { contentJson: '', userSeq: 0 };

/** Keeps account data in memory as user-server keeps it in its database, and takes its time as a network does. */
export class AccountDataFake implements AccountData {
  readonly #stored = new Map<string, GetAccountDataResponse>();
  #seq = 0;
  /** Users who have been deactivated. */
  readonly gone = new Set<string>();

  async getAccountData({ userId, roomId, type }: GetAccountDataRequest): Promise<GetAccountDataResponse> {
    await aMoment();
    return this.#stored.get(`${userId} ${roomId} ${type}`) ?? NOTHING;
  }

  async putAccountData(request: PutAccountDataRequest): Promise<PutAccountDataResponse> {
    await aMoment();
    const { userId, roomId, type, contentJson, expectedSeq } = request;
    if (this.gone.has(userId)) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such user');
    const key = `${userId} ${roomId} ${type}`;
    if ((this.#stored.get(key) ?? NOTHING).userSeq !== expectedSeq) return { stored: false };
    this.#seq += 1;
    this.#stored.set(key, { contentJson, userSeq: this.#seq });
    return { stored: true };
  }
}

function aMoment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
}
