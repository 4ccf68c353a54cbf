import { MatrixError, retryOnChange } from '@ganglion/contracts';
import {
  exceedsIdentifierLimit,
  isValidRoomId,
  type JsonObject,
  type PushRuleOptions,
  pushRulesContent,
} from '@ganglion/protocol';
import { forbidden, invalidParam, notFound, unknownToken } from './failures.js';
import type { AccountDataKey, AccountDataStore, Announcements, Requester, StoredAccountData } from './ports.js';

/** Written by the server itself; clients change them elsewhere. */
const MANAGED_BY_SERVER = new Set(['m.fully_read', 'm.push_rules']);
/** What one message on the bus can well carry. */
const MAX_CONTENT_BYTES = 512 * 1024;
/** What is kept of account data that was deleted, for those who have seen it. */
const DELETED = '{}';
const EMPTY = /^\s*\{\s*\}\s*$/;

/** What clients keep about a user. @see https://spec.matrix.org/v1.19/client-server-api/#client-config */
export class AccountData {
  constructor(
    private readonly store: AccountDataStore,
    private readonly announcements: Announcements,
    /** Which push rules there are. */
    private readonly rules: PushRuleOptions,
  ) {}

  /** The content as JSON text. @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM, M_NOT_FOUND */
  async get(requester: Requester, key: AccountDataKey): Promise<string> {
    checkKey(requester, key);
    const stored = await this.store.get(key);
    if (isPushRules(key)) {
      return JSON.stringify(pushRulesContent(key.userId, JSON.parse(stored?.content ?? '{}'), this.rules));
    }
    if (stored === undefined || stored.content === DELETED) throw notFound('There is no such account data');
    return stored.content;
  }

  /** As get, and nothing for what there is not. @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM */
  async read(requester: Requester, key: AccountDataKey): Promise<JsonObject> {
    checkKey(requester, key);
    return JSON.parse((await this.store.get(key))?.content ?? DELETED);
  }

  /**
   * @param content JSON text of an object, which is kept to the byte; an empty one deletes what there is
   * @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM, M_TOO_LARGE, and M_BAD_JSON with status 405 for what the server manages
   * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridaccount_datatype
   */
  async set(requester: Requester, key: AccountDataKey, content: string): Promise<void> {
    checkKey(requester, key);
    checkClientsMay(key);
    checkSize(content);
    await this.#store(key, EMPTY.test(content) ? DELETED : content);
  }

  /**
   * Deletes account data; what there is not stays so.
   *
   * @throws MatrixError as set
   * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3391
   */
  async delete(requester: Requester, key: AccountDataKey): Promise<void> {
    checkKey(requester, key);
    checkClientsMay(key);
    const stored = await this.store.get(key);
    if (stored !== undefined && stored.content !== DELETED) await this.#store(key, DELETED);
  }

  /**
   * Changes account data by what it is, whoever else changes it meanwhile.
   *
   * @param change undefined when nothing is to be changed
   * @throws MatrixError as set, M_LIMIT_EXCEEDED when others go on being faster, and whatever the change throws
   */
  async change(
    requester: Requester,
    key: AccountDataKey,
    change: (content: JsonObject) => JsonObject | undefined,
  ): Promise<void> {
    checkKey(requester, key);
    await retryOnChange(async () => {
      const stored = await this.store.get(key);
      const changed = change(JSON.parse(stored?.content ?? DELETED));
      return changed === undefined || this.replace(key, JSON.stringify(changed), stored?.userSeq ?? 0);
    });
  }

  async #store(key: AccountDataKey, content: string): Promise<void> {
    const change = await this.store.set(key, content);
    if (change === undefined) throw unknownToken('The account has been deactivated');
    this.announcements.changed([change]);
  }

  /** What is stored, for a service that has made sure who asks. */
  find(key: AccountDataKey): Promise<StoredAccountData | undefined> {
    return this.store.get(key);
  }

  /**
   * Stores what a service wrote on the user's behalf, unless somebody else was faster: false then.
   *
   * @throws MatrixError M_TOO_LARGE, and M_NOT_FOUND for a user who is not one of ours any more
   */
  async replace(key: AccountDataKey, content: string, expectedSeq: number): Promise<boolean> {
    checkSize(content);
    const change = await this.store.replace(key, content, expectedSeq);
    if (change === undefined) throw notFound('There is no such user');
    if (change === 'changed') return false;
    this.announcements.changed([change]);
    return true;
  }
}

/** @throws MatrixError M_BAD_JSON */
function checkClientsMay({ type }: AccountDataKey): void {
  if (MANAGED_BY_SERVER.has(type)) throw new MatrixError(405, 'M_BAD_JSON', `${type} cannot be set through this API`);
}

/** Stored as what the user changed in the predefined rules, and shown as all rules: those who changed none have them too. */
function isPushRules({ roomId, type }: AccountDataKey): boolean {
  return roomId === '' && type === 'm.push_rules';
}

/** @throws MatrixError M_TOO_LARGE */
function checkSize(content: string): void {
  if (Buffer.byteLength(content) > MAX_CONTENT_BYTES) {
    throw new MatrixError(413, 'M_TOO_LARGE', 'Account data of one type may not be larger than 512 KiB');
  }
}

function checkKey(requester: Requester, { userId, roomId, type }: AccountDataKey): void {
  if (requester.userId !== userId) throw forbidden("You cannot use another user's account data");
  if (roomId !== '' && !isValidRoomId(roomId)) throw invalidParam(`${roomId} is not a room id`);
  if (exceedsIdentifierLimit(type) || type.includes('\0')) throw invalidParam('This cannot be a type of account data');
}
