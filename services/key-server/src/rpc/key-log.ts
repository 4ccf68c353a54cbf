import type {
  GetKeyChangesRequest,
  GetKeyChangesResponse,
  KeyLog,
  ListKeyHeadsRequest,
  ListKeyHeadsResponse,
} from '@ganglion/contracts/keys';
import type { KeyLogStore } from '../storage/key-log-store.js';

const DEFAULT_LIMIT = 1_000;
const MAX_LIMIT = 10_000;

/** The log from which consumers of key changes catch up, whatever the bus has lost. */
export class KeyLogService implements KeyLog {
  constructor(private readonly store: KeyLogStore) {}

  async listKeyHeads({ sinceCursor, afterUser, limit }: ListKeyHeadsRequest): Promise<ListKeyHeadsResponse> {
    const size = Math.min(limit > 0 ? limit : DEFAULT_LIMIT, MAX_LIMIT);
    const { cursor, heads } = await this.store.heads(sinceCursor, afterUser, size + 1);
    const page = heads.slice(0, size);
    const last = page.at(-1);
    return { heads: page, cursor, ...(heads.length > size && last !== undefined && { nextUser: last.userId }) };
  }

  async getKeyChanges({ userId, afterSeq }: GetKeyChangesRequest): Promise<GetKeyChangesResponse> {
    return { change: await this.store.changes(userId, afterSeq) };
  }
}
