import { MatrixError } from '@ganglion/contracts';
import { exceedsIdentifierLimit, isValidRoomId, type JsonObject } from '@ganglion/protocol';
import { forbidden, invalidParam, notFound, unknownToken } from './failures.js';
import type { AccountDataKey, AccountDataStore, Announcements, Requester } from './ports.js';

/** Written by the server itself; clients change them elsewhere. */
const MANAGED_BY_SERVER = new Set(['m.fully_read', 'm.push_rules']);
/** What one message on the bus can well carry. */
const MAX_CONTENT_BYTES = 512 * 1024;

/** What clients keep about a user. @see https://spec.matrix.org/v1.19/client-server-api/#client-config */
export class AccountData {
  constructor(
    private readonly store: AccountDataStore,
    private readonly announcements: Announcements,
  ) {}

  /** The content as JSON text. @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM, M_NOT_FOUND */
  async get(requester: Requester, key: AccountDataKey): Promise<string> {
    checkKey(requester, key);
    const content = await this.store.get(key);
    if (content === undefined) throw notFound('There is no such account data');
    return content;
  }

  /**
   * @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM, M_TOO_LARGE, and M_BAD_JSON with status 405 for what the server manages
   * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridaccount_datatype
   */
  async set(requester: Requester, key: AccountDataKey, content: JsonObject): Promise<void> {
    checkKey(requester, key);
    if (MANAGED_BY_SERVER.has(key.type)) {
      throw new MatrixError(405, 'M_BAD_JSON', `${key.type} cannot be set through this API`);
    }
    const text = JSON.stringify(content);
    if (Buffer.byteLength(text) > MAX_CONTENT_BYTES) {
      throw new MatrixError(413, 'M_TOO_LARGE', 'Account data of one type may not be larger than 512 KiB');
    }
    const change = await this.store.set(key, text);
    if (change === undefined) throw unknownToken('The account has been deactivated');
    this.announcements.changed([change]);
  }
}

function checkKey(requester: Requester, { userId, roomId, type }: AccountDataKey): void {
  if (requester.userId !== userId) throw forbidden("You cannot use another user's account data");
  if (roomId !== '' && !isValidRoomId(roomId)) throw invalidParam(`${roomId} is not a room id`);
  if (exceedsIdentifierLimit(type) || type.includes('\0')) throw invalidParam('This cannot be a type of account data');
}
